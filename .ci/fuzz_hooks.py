"""What the fuzzing client does not know by itself: how the file of a connector is sent."""

import schemathesis


@schemathesis.serializer("application/wasm")
def wasm(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
