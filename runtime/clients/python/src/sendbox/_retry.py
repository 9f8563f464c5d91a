"""When a failed attempt is repeated, and after how long. A pure function: it neither waits nor sends.

Every request of this client can be repeated safely: GET changes nothing, a cancelled verification can be cancelled again, and all other
requests have an `Idempotency-Key`, which stays the same. What is repeated is therefore what another attempt can cure.
"""

import re
from dataclasses import dataclass
from typing import Optional

FIRST_PAUSE = 0.5
"""The longest pause before the first retry, in seconds. It doubles with each retry."""
LONGEST_PAUSE = 8.0
"""The longest pause of the client's own, in seconds."""


@dataclass(frozen=True)
class FailedAttempt:
    """How an attempt failed."""

    status: Optional[int] = None
    """The HTTP status. `None` if there was no complete response."""
    kind: Optional[str] = None
    """The kind of the problem. `None` if the response is not a problem document of Sendbox."""
    retry_after: Optional[int] = None
    """The header `Retry-After` in seconds."""


def pause_before_retry(
    failed: FailedAttempt, retries: int, *, max_retries: int, max_retry_after: float, random: float
) -> Optional[float]:
    """The pause before the next attempt in seconds, or `None` if there is none.

    `retries` is how many retries there were, and `random` a number from 0 to 1, so that clients that failed together do not come back
    together.
    """
    if retries >= max_retries or not _is_transient(failed):
        return None
    if failed.retry_after is None:
        return min(FIRST_PAUSE * 2.0**retries, LONGEST_PAUSE) * (0.5 + random / 2)
    if failed.retry_after > max_retry_after:
        return None
    return failed.retry_after + random * FIRST_PAUSE


def _is_transient(failed: FailedAttempt) -> bool:
    """Whether the same request can succeed soon."""
    if failed.status == 409:
        # The first attempt is still in progress, such as one that timed out here.
        return failed.kind == "idempotency-in-flight"
    if failed.status == 429:
        # `limit-reached` and `quota-reached` are decisions of the tenant's policy, which the caller should know at once.
        return failed.kind in (None, "too-many-requests")
    return failed.status in (None, 408, 502, 503, 504)


def parse_retry_after(header: Optional[str]) -> Optional[int]:
    """The header `Retry-After` in seconds. Dates are ignored: they need two clocks that agree."""
    return int(header) if header is not None and re.fullmatch(r"[0-9]{1,9}", header) else None
