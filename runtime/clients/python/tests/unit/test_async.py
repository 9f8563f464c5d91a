"""What `AsyncSendbox` does itself: sending, waiting and paging. The rest it shares with `Sendbox`."""

import asyncio
import json
from typing import Any, Awaitable, Callable, Dict, List

import pytest
from unit.server import CODE, KEY, MESSAGE, NUMBER, RESET, STALL, VERIFICATION, Response, Server, problem

from sendbox import APIConnectionError, APITimeoutError, AsyncSendbox, WrongCodeError

V1 = "/v1/tenants/acme"


def run(server: Server, story: Callable[[AsyncSendbox], Awaitable[object]], **options: Any) -> None:
    async def told() -> None:
        async with AsyncSendbox(base_url=server.url, api_key=KEY, tenant="acme", **options) as client:
            await story(client)

    asyncio.run(told())


def test_every_operation_has_its_method_path_and_body() -> None:
    approved = {**VERIFICATION, "status": "approved"}
    bodies: List[Dict[str, Any]] = [VERIFICATION, VERIFICATION, VERIFICATION, VERIFICATION, approved, MESSAGE, MESSAGE]

    async def story(client: AsyncSendbox) -> None:
        await client.verifications.start(to=NUMBER, usage="sign-in", client_ip="192.0.2.1")
        await client.verifications.retrieve("v1")
        await client.verifications.cancel("v1")
        await client.verifications.resend("v1", mode="async")
        await client.verifications.check("v1", CODE)
        await client.messages.create(to=NUMBER, usage="sign-in", code=CODE, lifetime_seconds=60)
        await client.messages.retrieve("m1")

    with Server(*[Response(200, body) for body in bodies]) as server:
        run(server, story)
    assert [f"{request.method} {request.url[len(V1):]}" for request in server.received] == [
        "POST /verifications",
        "GET /verifications/v1",
        "POST /verifications/v1/cancel",
        "POST /verifications/v1/resend",
        "POST /verifications/v1/check",
        "POST /messages",
        "GET /messages/m1",
    ]
    assert [json.loads(request.body) for request in server.received if request.body] == [
        {"to": NUMBER, "usage": "sign-in", "clientIp": "192.0.2.1"},
        {"mode": "async"},
        {"code": CODE},
        {"to": NUMBER, "usage": "sign-in", "code": CODE, "lifetimeSeconds": 60},
    ]
    assert [key is not None for key in server.keys] == [True, False, False, True, True, True, False]


def test_what_another_attempt_can_cure_is_retried_with_the_same_key(pauses: List[float]) -> None:
    async def story(client: AsyncSendbox) -> None:
        await client.verifications.start(to=NUMBER, usage="sign-in")

    with Server(RESET, problem(503, "busy", {"Retry-After": "1"}), Response(201, VERIFICATION)) as server:
        run(server, story)
    assert len(server.keys) == 3 and len(set(server.keys)) == 1
    assert pauses == [0.5, 1.5]


def test_errors(pauses: List[float]) -> None:
    async def story(client: AsyncSendbox) -> None:
        with pytest.raises(WrongCodeError) as wrong:
            await client.verifications.check("v1", CODE)
        assert wrong.value.tries_left == 2
        with pytest.raises(APIConnectionError) as lost:
            await client.verifications.check("v1", CODE)
        assert lost.value.__context__ is None and lost.value.__cause__ is None

    with Server(problem(422, "wrong-code", triesLeft=2), RESET, RESET, RESET) as server:
        run(server, story)


def test_a_server_that_does_not_respond_is_a_timeout() -> None:
    async def story(client: AsyncSendbox) -> None:
        with pytest.raises(APITimeoutError):
            await client.verifications.retrieve("v1")

    with Server(STALL) as server:
        run(server, story, timeout=0.05, max_retries=0)


def test_list_all_follows_the_cursors() -> None:
    ids: List[str] = []

    async def story(client: AsyncSendbox) -> None:
        async for message in client.messages.list_all(limit=1):
            ids.append(message.id)

    first = {"items": [{**MESSAGE, "id": "m1"}], "nextCursor": "c1"}
    with Server(Response(200, first), Response(200, {"items": [{**MESSAGE, "id": "m2"}]})) as server:
        run(server, story)
    assert ids == ["m1", "m2"]
    assert [request.url for request in server.received] == [
        f"{V1}/messages?limit=1",
        f"{V1}/messages?limit=1&cursor=c1",
    ]
