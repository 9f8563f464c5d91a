from datetime import datetime, timedelta, timezone
from typing import Any, Dict

import pytest
from unit.server import MESSAGE, VERIFICATION

from sendbox._decode import DecodeError, decode, json_name, json_object
from sendbox.types import Failure, Message, TraceEvent, Verification

FAILURE: Dict[str, Any] = {
    "class": "rate-limited",
    "party": "provider",
    "requestSent": "yes",
    "message": "the provider answered 429",
    "advice": "try again later",
    "retryAfter": 30,
}


def test_names_and_times_are_those_of_python() -> None:
    body = {**VERIFICATION, "resendAvailableAt": "2026-11-23T20:22:03.5Z", "approvedAt": None}
    verification = decode(Verification, {**body, "message": {"id": "m1", "status": "accepted"}})
    assert verification.tries_left == 5
    assert verification.expires_at == datetime(2026, 11, 23, 20, 31, 33, tzinfo=timezone.utc)
    assert verification.resend_available_at == datetime(2026, 11, 23, 20, 22, 3, 500_000, tzinfo=timezone.utc)
    assert verification.approved_at is None
    assert verification.message is not None and verification.message.status == "accepted"


def test_reserved_words_end_with_an_underscore() -> None:
    failure = decode(Failure, FAILURE)
    assert (failure.class_, failure.retry_after, failure.provider_code) == ("rate-limited", 30, None)
    assert [json_name(name) for name in ("class_", "tries_left", "to", "cpu_us")] == ["class", "triesLeft", "to", "cpuUs"]


def test_what_a_newer_server_adds_is_no_error() -> None:
    verification = decode(Verification, {**VERIFICATION, "status": "something-new", "somethingNew": {}})
    assert str(verification.status) == "something-new"
    event = decode(TraceEvent, {"event": "something-new", "atUs": 12, "somethingNew": True})
    assert (event.event, event.at_us, event.key) == ("something-new", 12, None)


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        None,
        {**VERIFICATION, "id": 7},
        {**VERIFICATION, "id": None},
        {**VERIFICATION, "test": 1},
        {**VERIFICATION, "triesLeft": True},
        {**VERIFICATION, "triesLeft": "5"},
        {**VERIFICATION, "status": 1},
        {**VERIFICATION, "expiresAt": "tomorrow"},
        {**VERIFICATION, "expiresAt": "2026-11-23T20:31:33+01:00"},
        {**VERIFICATION, "message": []},
        {key: value for key, value in VERIFICATION.items() if key != "expiresAt"},
    ],
)
def test_another_shape_is_an_error(body: object) -> None:
    with pytest.raises(DecodeError):
        decode(Verification, body)


def test_lists_are_checked() -> None:
    with pytest.raises(DecodeError):
        decode(Message, {**MESSAGE, "attempts": {}})
    with pytest.raises(DecodeError):
        decode(Message, {**MESSAGE, "attempts": [7]})


def test_arguments_have_the_names_of_json() -> None:
    zone = timezone(timedelta(hours=2))
    arguments = {"client_ip": "192.0.2.1", "locale": None, "since": datetime(2026, 11, 23, 22, 0, tzinfo=zone), "limit": 5}
    assert json_object(arguments) == {"clientIp": "192.0.2.1", "since": "2026-11-23T20:00:00.000Z", "limit": 5}
