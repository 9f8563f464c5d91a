"""The parameters of the methods are the fields of the OpenAPI document."""

import inspect
import json
from pathlib import Path
from typing import Any, Callable, Set

import pytest

from sendbox import AsyncMessages, AsyncVerifications, Messages, Verifications
from sendbox._decode import json_name

DOCUMENT = json.loads((Path(__file__).parents[4] / "server" / "openapi.json").read_text(encoding="utf-8"))
OPTIONS = {"self", "id", "idempotencyKey", "timeout", "maxRetries"}


def fields(name: str) -> Set[str]:
    return set(DOCUMENT["components"]["schemas"][name]["properties"])


def filters() -> Set[str]:
    operation = DOCUMENT["paths"]["/v1/tenants/{tenant}/messages"]["get"]
    # A phone number has an operation of its own.
    return {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"} | {"to"}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (Verifications.start, fields("NewVerification")),
        (AsyncVerifications.start, fields("NewVerification")),
        (Verifications.check, fields("Check")),
        (AsyncVerifications.check, fields("Check")),
        (Verifications.resend, fields("Resend")),
        (AsyncVerifications.resend, fields("Resend")),
        (Messages.create, fields("NewMessage")),
        (AsyncMessages.create, fields("NewMessage")),
        (Messages.list, filters()),
        (AsyncMessages.list, filters()),
        (Messages.list_all, filters()),
        (AsyncMessages.list_all, filters()),
    ],
)
def test_every_field_is_a_parameter(method: Callable[..., Any], expected: Set[str]) -> None:
    assert {json_name(name) for name in inspect.signature(method).parameters} - OPTIONS == expected
