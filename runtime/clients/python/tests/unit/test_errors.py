import copy
import logging
import pickle
import traceback
from typing import Any, Callable, Dict, List, Tuple, Type, Union

import pytest
from unit.conftest import NewClient
from unit.server import CODE, INSTANCE, KEY, MESSAGE, NUMBER, RESET, STALL, VERIFICATION, Answer, Response, Server, problem

import sendbox
from sendbox import (
    APIConnectionError,
    APIError,
    AsyncSendbox,
    MessageNotSentError,
    Sendbox,
    SendboxError,
    UnexpectedResponseError,
)
from sendbox._decode import decode
from sendbox.types import FieldError, Message, Verification

ENDED = {**VERIFICATION, "status": "expired"}
FIELDS = [{"field": "/to", "message": "must be a phone number"}]
LIMIT = {"limit": "number-per-hour", "retryAfter": 1200, "endUserMessage": "Please try again later."}


def create(client: Sendbox) -> object:
    return client.messages.create(to=NUMBER, usage="sign-in", code=CODE)


@pytest.mark.parametrize(
    ("status", "kind", "members", "name", "attributes"),
    [
        (401, "unauthenticated", {}, "AuthenticationError", {}),
        (403, "insufficient-scope", {"scope": "send"}, "PermissionDeniedError", {"scope": "send"}),
        (403, "platform-only", {}, "PermissionDeniedError", {"scope": None}),
        (403, "country-not-allowed", {"country": "DK"}, "CountryNotAllowedError", {"country": "DK"}),
        (404, "not-found", {}, "NotFoundError", {}),
        (409, "flow-disabled", {"flow": "sign-in"}, "ConflictError", {"flow": "sign-in"}),
        (409, "no-active-connection", {}, "ConflictError", {"flow": None}),
        (
            410,
            "verification-ended",
            {"verification": ENDED},
            "VerificationEndedError",
            {"verification": decode(Verification, ENDED)},
        ),
        (
            422,
            "invalid-input",
            {"errors": FIELDS},
            "InvalidInputError",
            {"errors": [FieldError("/to", "must be a phone number")]},
        ),
        (422, "idempotency-mismatch", {}, "IdempotencyMismatchError", {}),
        (422, "wrong-code", {"triesLeft": 4}, "WrongCodeError", {"tries_left": 4}),
        (
            424,
            "message-not-sent",
            {"message": MESSAGE},
            "MessageNotSentError",
            {"message": decode(Message, MESSAGE), "verification": None},
        ),
        (
            429,
            "limit-reached",
            LIMIT,
            "LimitReachedError",
            {"limit": "number-per-hour", "retry_after": 1200, "end_user_message": "Please try again later."},
        ),
        (429, "quota-reached", {"limit": "keys"}, "QuotaReachedError", {"limit": "keys", "retry_after": None}),
        (429, "too-many-requests", {}, "TooManyRequestsError", {}),
        (500, "internal", {}, "InternalServerError", {}),
        (503, "store-unavailable", {}, "ServiceUnavailableError", {}),
        (503, "outcome-unknown", {}, "OutcomeUnknownError", {}),
        # Kinds of newer servers.
        (409, "something-new", {}, "ConflictError", {}),
        (418, "something-new", {}, "APIError", {}),
    ],
)
def test_each_kind_of_problem_has_its_error(
    new_client: NewClient, status: int, kind: str, members: Dict[str, Any], name: str, attributes: Dict[str, Any]
) -> None:
    with Server(problem(status, kind, **members)) as server, pytest.raises(APIError) as caught:
        create(new_client(server, max_retries=0))
    error = caught.value
    assert type(error) is getattr(sendbox, name)
    assert str(error) == f"A detail. ({status} {kind}, {INSTANCE})"
    common = {"kind": kind, "status": status, "title": "Title", "detail": "A detail.", "request_id": INSTANCE}
    for attribute, value in {**common, "idempotency_key": "key-1", **attributes}.items():
        assert getattr(error, attribute) == value, attribute


def test_a_verification_whose_message_was_not_sent_comes_with_both(new_client: NewClient) -> None:
    members = {"message": {**MESSAGE, "status": "failed"}, "verification": VERIFICATION}
    with Server(problem(424, "message-not-sent", **members)) as server, pytest.raises(MessageNotSentError) as caught:
        new_client(server).verifications.start(to=NUMBER, usage="sign-in")
    assert caught.value.message is not None and caught.value.message.status == "failed"
    assert caught.value.verification is not None and caught.value.verification.status == "pending"
    assert len(server.received) == 1


def test_every_error_is_exported() -> None:
    def below(parent: Type[SendboxError]) -> List[Type[SendboxError]]:
        return [parent] + [error for child in parent.__subclasses__() for error in below(child)]

    for error in below(SendboxError):
        assert getattr(sendbox, error.__name__) is error
        assert error.__name__ in sendbox.__all__


@pytest.mark.parametrize(
    "error",
    [APIConnectionError("no response", "key-1"), UnexpectedResponseError(502, "key-1")],
)
def test_errors_can_be_copied_between_processes(error: Union[APIConnectionError, UnexpectedResponseError]) -> None:
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(copied), str(copied)) == (type(error), str(error))
        assert copied.idempotency_key == "key-1"


def test_errors_of_the_server_can_be_copied_between_processes(new_client: NewClient) -> None:
    with Server(problem(424, "message-not-sent", message=MESSAGE)) as server, pytest.raises(APIError) as caught:
        create(new_client(server))
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (type(copied), str(copied)) == (MessageNotSentError, str(caught.value))
    assert (copied.message, copied.idempotency_key) == (decode(Message, MESSAGE), "key-1")


QUOTED = f"{KEY} {NUMBER} {NUMBER[1:]} {CODE}"


@pytest.mark.parametrize(
    "answer",
    [
        RESET,
        STALL,
        Response(502, QUOTED),
        Response(200, {"quoted": QUOTED}),
        Response(400, {"quoted": QUOTED}),
        problem(
            422, "invalid-input", title=QUOTED, detail=QUOTED, errors=[{"field": "/to", "message": QUOTED}], quoted=QUOTED
        ),
        problem(418, "something-new", title=QUOTED, detail=QUOTED, quoted=QUOTED),
    ],
)
@pytest.mark.parametrize(
    ("call", "secrets"),
    [
        (create, [KEY, NUMBER, NUMBER[1:], CODE]),
        (lambda client: client.verifications.check("v1", f" {CODE[:3]}-{CODE[3:]}"), [KEY, CODE]),
        (lambda client: client.messages.list(to=NUMBER), [KEY, NUMBER, NUMBER[1:]]),
    ],
)
def test_no_error_and_no_log_contains_a_secret(
    new_client: NewClient,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
    call: Callable[[Sendbox], object],
    secrets: List[str],
) -> None:
    """Whatever the response quotes."""
    caplog.set_level(logging.DEBUG)
    with Server(answer) as server, pytest.raises(SendboxError) as caught:
        call(new_client(server, max_retries=0, timeout=0.05 if answer == STALL else 30))
    error = caught.value
    assert error.__cause__ is None and error.__context__ is None
    shown = "".join(traceback.format_exception_only(type(error), error))
    shown += repr(error) + repr(vars(error)) + caplog.text
    for secret in secrets:
        assert secret not in shown


def test_printing_the_client_shows_no_option() -> None:
    clients: Tuple[object, ...] = (
        Sendbox(base_url="https://sendbox.example.com", api_key=KEY, tenant="acme"),
        AsyncSendbox(base_url="https://sendbox.example.com", api_key=KEY, tenant="acme"),
    )
    for client in clients:
        assert KEY not in repr(client) + str(client) + repr(vars(client))
