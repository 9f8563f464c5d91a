import json
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List

import httpx
import pytest
from unit.conftest import NewClient
from unit.server import CODE, KEY, MESSAGE, NUMBER, RESET, STALL, VERIFICATION, Response, Server, problem

from sendbox import (
    APIConnectionError,
    APITimeoutError,
    InvalidArgumentError,
    LimitReachedError,
    OutcomeUnknownError,
    Sendbox,
    TooManyRequestsError,
    UnexpectedResponseError,
)

STARTED = Response(201, VERIFICATION)
ACCEPTED = Response(200, MESSAGE)
V1 = "/v1/tenants/acme"


def start(client: Sendbox, **options: Any) -> Any:
    return client.verifications.start(to=NUMBER, usage="sign-in", **options)


def create(client: Sendbox, **options: Any) -> Any:
    return client.messages.create(to=NUMBER, usage="sign-in", code=CODE, **options)


def test_a_request_has_the_tenants_path_the_key_and_a_body(new_client: NewClient) -> None:
    with Server(STARTED) as server:
        verification = start(new_client(server), locale="en", client_ip="192.0.2.1")
    assert verification.id == VERIFICATION["id"]
    (request,) = server.received
    assert (request.method, request.url) == ("POST", f"{V1}/verifications")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("sendbox-python/")
    body = {"to": NUMBER, "usage": "sign-in", "locale": "en", "clientIp": "192.0.2.1"}
    assert json.loads(request.body) == body


@pytest.mark.parametrize(
    ("expected", "body", "is_keyed", "call"),
    [
        ("POST /verifications", VERIFICATION, True, start),
        ("GET /verifications/v1", VERIFICATION, False, lambda client: client.verifications.retrieve("v1")),
        ("POST /verifications/v1/cancel", VERIFICATION, False, lambda client: client.verifications.cancel("v1")),
        ("POST /verifications/v1/resend", VERIFICATION, True, lambda client: client.verifications.resend("v1")),
        (
            "POST /verifications/v1/check",
            {**VERIFICATION, "status": "approved"},
            True,
            lambda client: client.verifications.check("v1", CODE),
        ),
        ("POST /messages", MESSAGE, True, create),
        ("POST /messages/m1/cancel", MESSAGE, False, lambda client: client.messages.cancel("m1")),
        ("GET /messages/m1", MESSAGE, False, lambda client: client.messages.retrieve("m1")),
        ("GET /messages", {"items": []}, False, lambda client: client.messages.list()),
    ],
)
def test_every_operation_has_its_method_and_path(
    new_client: NewClient, expected: str, body: object, is_keyed: bool, call: Callable[[Sendbox], object]
) -> None:
    """And an idempotency key where the server takes one."""
    with Server(Response(200, body)) as server:
        call(new_client(server))
    (request,) = server.received
    assert f"{request.method} {request.url[len(V1):]}" == expected
    assert server.keys == ["key-1" if is_keyed else None]


def test_the_path_of_the_base_url_is_kept_and_a_query_is_encoded(new_client: NewClient) -> None:
    with Server(Response(200, {"items": []})) as server:
        client = new_client(server, base_url=f"{server.url}/sms/")
        client.messages.list(reference="a+b", limit=5, since=datetime(2026, 11, 23, tzinfo=timezone.utc))
    query = "reference=a%2Bb&since=2026-11-23T00%3A00%3A00.000Z&limit=5"
    assert server.received[0].url == f"/sms{V1}/messages?{query}"


def test_a_number_is_searched_for_in_the_body_and_is_in_no_url(new_client: NewClient) -> None:
    with Server(Response(200, {"items": []})) as server:
        new_client(server).messages.list(to=NUMBER, limit=5)
    (request,) = server.received
    assert f"{request.method} {request.url[len(V1):]}" == "POST /messages/search"
    assert json.loads(request.body) == {"to": NUMBER, "limit": 5}


def test_each_call_has_a_key_of_its_own_and_its_retries_have_the_same(new_client: NewClient) -> None:
    with Server(RESET, problem(503, "busy"), ACCEPTED, ACCEPTED, ACCEPTED) as server:
        client = new_client(server)
        create(client)
        create(client)
        create(client, idempotency_key="order-77")
    assert server.keys == ["key-1", "key-1", "key-1", "key-2", "order-77"]
    assert len({request.body for request in server.received}) == 1


def test_the_real_keys_are_different() -> None:
    with Server(ACCEPTED, ACCEPTED) as server, Sendbox(base_url=server.url, api_key=KEY, tenant="acme") as client:
        create(client)
        create(client)
    one, other = server.keys
    assert one != other and one is not None and len(one) == 36


def test_a_lost_connection_is_retried_and_then_reported_with_the_key(
    new_client: NewClient, pauses: List[float]
) -> None:
    with Server(RESET, RESET, RESET) as server, pytest.raises(APIConnectionError) as caught:
        start(new_client(server))
    assert not isinstance(caught.value, APITimeoutError)
    assert caught.value.idempotency_key == "key-1"
    assert len(server.received) == 3
    assert pauses == [0.5, 1]


def test_a_refused_connection_is_reported_with_the_reason_of_the_system(new_client: NewClient) -> None:
    with Server() as server:
        server.stop()
        with pytest.raises(APIConnectionError, match="^no complete response: ECONNREFUSED$"):
            new_client(server, max_retries=0).verifications.retrieve("v1")


def test_a_server_that_does_not_respond_is_a_timeout(new_client: NewClient) -> None:
    with Server(STALL) as server, pytest.raises(APITimeoutError, match=r"^no response within 0\.05 s$") as caught:
        start(new_client(server, max_retries=0), timeout=0.05)
    assert caught.value.idempotency_key == "key-1"


def test_a_timeout_is_retried_with_the_same_key(new_client: NewClient) -> None:
    keys: List[str] = []
    timeouts: List[Dict[str, float]] = []

    def never(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        timeouts.append(request.extensions["timeout"])
        raise httpx.ReadTimeout("", request=request)

    with Server() as server, pytest.raises(APITimeoutError):
        start(new_client(server, transport=httpx.MockTransport(never), timeout=7))
    assert keys == ["key-1"] * 3
    assert timeouts == [{"connect": 7, "read": 7, "write": 7, "pool": 7}] * 3


def test_an_unknown_outcome_is_asked_for_again_with_the_same_key(new_client: NewClient, pauses: List[float]) -> None:
    unknown = problem(503, "outcome-unknown", {"Retry-After": "1"}, retryAfter=1)
    with Server(unknown, ACCEPTED) as server:
        create(new_client(server))
    assert server.keys == ["key-1", "key-1"]
    assert pauses == [1.5]
    with Server(unknown, unknown, unknown) as server, pytest.raises(OutcomeUnknownError) as caught:
        create(new_client(server))
    assert set(server.keys) == {caught.value.idempotency_key}


def test_a_request_in_progress_elsewhere_is_asked_for_again(new_client: NewClient, pauses: List[float]) -> None:
    in_flight = problem(409, "idempotency-in-flight", {"Retry-After": "1"}, retryAfter=1)
    with Server(RESET, in_flight, STARTED) as server:
        start(new_client(server))
    assert pauses == [0.5, 1.5]
    assert server.keys == ["key-1"] * 3


def test_a_short_retry_after_is_waited_for_and_a_long_one_fails_at_once(
    new_client: NewClient, pauses: List[float]
) -> None:
    def busy(seconds: int) -> Response:
        return problem(429, "too-many-requests", {"Retry-After": str(seconds)}, retryAfter=seconds)

    found = Response(200, VERIFICATION)
    with Server(busy(3), found, busy(6), busy(6), found) as server:
        client = new_client(server)
        client.verifications.retrieve("v1")
        assert pauses == [3.5]
        with pytest.raises(TooManyRequestsError) as caught:
            client.verifications.retrieve("v1")
        assert caught.value.retry_after == 6
        assert len(server.received) == 3
        new_client(server, max_retry_after=10).verifications.retrieve("v1")
        assert len(server.received) == 5


def test_a_limit_of_the_policy_is_not_retried(new_client: NewClient) -> None:
    limit = problem(429, "limit-reached", {"Retry-After": "1"}, limit="cooldown", retryAfter=1)
    with Server(limit, STARTED) as server, pytest.raises(LimitReachedError):
        start(new_client(server))
    assert len(server.received) == 1


def test_retries_can_be_turned_off_for_the_client_and_for_a_call(new_client: NewClient) -> None:
    with Server(RESET, RESET, RESET) as server:
        with pytest.raises(APIConnectionError):
            new_client(server, max_retries=0).verifications.retrieve("v1")
        assert len(server.received) == 1
        with pytest.raises(APIConnectionError):
            new_client(server).verifications.retrieve("v1", max_retries=1)
        assert len(server.received) == 3


def test_a_redirect_is_not_followed(new_client: NewClient) -> None:
    with Server(Response(200, VERIFICATION)) as elsewhere:
        with Server(Response(307, "", {"Location": f"{elsewhere.url}/v1"})) as server:
            with pytest.raises(UnexpectedResponseError):
                start(new_client(server))
    assert elsewhere.received == []


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [
        (Response(502, "<h1>Bad gateway</h1>"), 3),
        (Response(200, "<h1>Sign in to the network</h1>"), 1),
        (Response(200, {}), 1),
        (Response(200, []), 1),
        (Response(404, "<h1>Not found</h1>"), 1),
        (Response(404, {"error": "not found"}), 1),
        (Response(404, problem(410, "verification-ended").body), 1),
    ],
)
def test_a_response_that_sendbox_did_not_make_is_no_result(
    new_client: NewClient, answer: Response, attempts: int
) -> None:
    with Server(*[answer] * attempts) as server, pytest.raises(UnexpectedResponseError) as caught:
        start(new_client(server))
    assert caught.value.status == answer.status
    assert caught.value.idempotency_key == "key-1"
    assert len(server.received) == attempts


def test_only_an_approved_verification_is_the_result_of_a_check(new_client: NewClient) -> None:
    with Server(Response(200, VERIFICATION)) as server, pytest.raises(UnexpectedResponseError):
        new_client(server).verifications.check("v1", CODE)


def test_a_message_whose_outcome_is_open_is_a_normal_result(new_client: NewClient) -> None:
    with Server(Response(202, {**MESSAGE, "status": "queued"})) as server:
        assert create(new_client(server), mode="async").status == "queued"


def test_list_all_follows_the_cursors_with_the_filters_as_far_as_it_is_read(new_client: NewClient) -> None:
    def page(id: str, **cursor: object) -> Response:
        return Response(200, {"items": [{**MESSAGE, "id": id}], **cursor})

    pages = [page("m1", nextCursor="c1"), page("m2", nextCursor="c2"), page("m3", nextCursor=None)]
    with Server(*pages, page("m1", nextCursor="c1")) as server:
        client = new_client(server)
        assert [message.id for message in client.messages.list_all(status="accepted", limit=1)] == ["m1", "m2", "m3"]
        assert [request.url.split("?")[1] for request in server.received] == [
            "status=accepted&limit=1",
            "status=accepted&limit=1&cursor=c1",
            "status=accepted&limit=1&cursor=c2",
        ]
        assert next(client.messages.list_all()).id == "m1"
        assert len(server.received) == 4


@pytest.mark.parametrize("id", ["", ".", "..", "v1/check", "v1?x", "%2e%2e", "V1", "v1\n", "a" * 61])
def test_an_invalid_id_is_refused_before_anything_is_sent(new_client: NewClient, id: str) -> None:
    with Server() as server:
        with pytest.raises(InvalidArgumentError):
            new_client(server).verifications.check(id, CODE)
        with pytest.raises(InvalidArgumentError):
            new_client(server).messages.retrieve(id)
    assert server.received == []


@pytest.mark.parametrize("key", ["", "a b", "ü", "a\r\nb", "a\n", "a" * 256])
def test_an_invalid_key_is_refused_before_anything_is_sent(new_client: NewClient, key: str) -> None:
    with Server() as server, pytest.raises(InvalidArgumentError):
        start(new_client(server), idempotency_key=key)
    assert server.received == []
