"""The installed package, against the real server with a simulated provider."""

import asyncio
from typing import Iterator

import pytest
from e2e.demo import Demo

from sendbox import (
    AsyncSendbox,
    AuthenticationError,
    IdempotencyMismatchError,
    InvalidInputError,
    LimitReachedError,
    MessageNotSentError,
    NotFoundError,
    Sendbox,
    Usage,
    VerificationEndedError,
    WrongCodeError,
)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with Demo() as running:
        yield running


@pytest.fixture
def sendbox(demo: Demo) -> Iterator[Sendbox]:
    with Sendbox(base_url=demo.url, api_key=demo.tenant_key, tenant="demo") as client:
        yield client


def wrong(code: str) -> str:
    """Another code than this."""
    return "000001" if code == "000000" else "000000"


def test_start_check_a_wrong_code_check_the_right_one(demo: Demo, sendbox: Sendbox) -> None:
    to = "+4530000001"
    started = sendbox.verifications.start(to=to, usage="sign-in", locale="en")
    assert started.status == "pending"
    assert started.message is not None and started.message.status == "accepted"
    assert started.expires_at > started.created_at
    (code,) = demo.codes(to)
    with pytest.raises(WrongCodeError) as caught:
        sendbox.verifications.check(started.id, wrong(code))
    assert caught.value.tries_left == 4
    assert wrong(code) not in str(caught.value)
    approved = sendbox.verifications.check(started.id, f"{code[:3]} {code[3:]}")
    assert approved.status == "approved" and approved.approved_at is not None
    with pytest.raises(VerificationEndedError) as ended:
        sendbox.verifications.check(started.id, code)
    assert ended.value.verification is not None and ended.value.verification.status == "approved"
    assert sendbox.verifications.retrieve(started.id).status == "approved"


def test_a_check_is_counted_once_however_often_it_is_repeated(demo: Demo, sendbox: Sendbox) -> None:
    to = "+4530000002"
    started = sendbox.verifications.start(to=to, usage="sign-in")
    (code,) = demo.codes(to)
    for _ in range(3):
        with pytest.raises(WrongCodeError) as caught:
            sendbox.verifications.check(started.id, wrong(code), idempotency_key="one-check-in-python")
        assert caught.value.tries_left == 4
    assert sendbox.verifications.retrieve(started.id).tries_left == 4


def test_resend_then_cancel(demo: Demo, sendbox: Sendbox) -> None:
    to = "+4530000003"
    started = sendbox.verifications.start(to=to, usage="sign-in")
    assert sendbox.verifications.resend(started.id).sends_left == started.sends_left - 1
    _, code = demo.codes(to)
    assert sendbox.verifications.cancel(started.id).status == "cancelled"
    assert sendbox.verifications.cancel(started.id).status == "cancelled"
    with pytest.raises(VerificationEndedError):
        sendbox.verifications.check(started.id, code)


def test_the_same_idempotency_key_sends_once(demo: Demo, sendbox: Sendbox) -> None:
    to = "+4530000004"
    key = "sign-in-in-python"
    one = sendbox.verifications.start(to=to, usage="sign-in", idempotency_key=key)
    other = sendbox.verifications.start(to=to, usage="sign-in", idempotency_key=key)
    assert other.id == one.id
    assert len(demo.codes(to)) == 1
    with pytest.raises(IdempotencyMismatchError):
        sendbox.verifications.start(to=to, usage="register", idempotency_key=key)


def test_a_message_with_a_code_of_the_platform_with_its_attempts(demo: Demo, sendbox: Sendbox) -> None:
    to = "+4530000005"
    created = sendbox.messages.create(to=to, usage="sign-in", code="718293", lifetime_seconds=60)
    assert created.status == "accepted"
    assert (created.expires_at - created.created_at).total_seconds() == 60
    assert demo.codes(to) == ["718293"]
    (attempt,) = sendbox.messages.retrieve(created.id).attempts
    assert attempt.outcome == "accepted" and attempt.detail is not None
    assert any(step.event == "request" and step.carries_message for step in attempt.detail.trace)
    assert attempt.detail.requests[0].method == "POST"


def test_an_asynchronous_message_is_a_result_before_its_outcome_is_known(sendbox: Sendbox) -> None:
    created = sendbox.messages.create(to="+4530000006", usage="sign-in", code="718293", mode="async")
    assert created.status in ("queued", "sending", "accepted")


def test_lists_page_by_page_and_in_one_go(sendbox: Sendbox) -> None:
    to = "+4530000007"
    usages: "list[Usage]" = ["sign-in", "register", "generic"]
    oldest, *_ = [sendbox.messages.create(to=to, usage=usage, code="718293") for usage in usages]
    first = sendbox.messages.list(to=to, limit=2)
    assert [message.usage for message in first.items] == ["generic", "register"]
    second = sendbox.messages.list(to=to, limit=2, cursor=first.next_cursor)
    assert [message.usage for message in second.items] == ["sign-in"]
    assert second.next_cursor is None
    assert [message.usage for message in sendbox.messages.list_all(to=to, limit=1)] == usages[::-1]
    assert sendbox.messages.list(to=to, until=oldest.created_at).items == []
    assert len(sendbox.messages.list(to=to, since=oldest.created_at).items) == 3


def test_a_message_that_the_provider_refuses_is_an_error_with_the_message(demo: Demo, sendbox: Sendbox) -> None:
    demo.fail_once(21211)
    with pytest.raises(MessageNotSentError) as caught:
        sendbox.messages.create(to="+4530000008", usage="sign-in", code="718293")
    message = caught.value.message
    assert caught.value.status == 424 and message is not None
    assert message.status == "failed"
    assert message.failure is not None and message.failure.class_ == "invalid-recipient"
    assert caught.value.verification is None
    demo.fail_once(21211)
    with pytest.raises(MessageNotSentError) as unsent:
        sendbox.verifications.start(to="+4530000008", usage="sign-in")
    assert unsent.value.verification is not None and unsent.value.verification.status == "pending"


def test_invalid_input_a_wrong_key_and_another_tenant(demo: Demo, sendbox: Sendbox) -> None:
    with pytest.raises(InvalidInputError) as caught:
        sendbox.verifications.start(to="12345678", usage="sign-in")
    assert [error.field for error in caught.value.errors] == ["/to"]
    assert "12345678" not in str(caught.value)
    with Sendbox(base_url=demo.url, api_key=f"{demo.tenant_key}x", tenant="demo") as stranger:
        with pytest.raises(AuthenticationError):
            stranger.messages.list()
    with Sendbox(base_url=demo.url, api_key=demo.tenant_key, tenant="other") as elsewhere:
        with pytest.raises(NotFoundError):
            elsewhere.messages.list()
    with pytest.raises(NotFoundError):
        sendbox.verifications.retrieve("v0000")


def test_a_limit_of_the_policy(demo: Demo, sendbox: Sendbox) -> None:
    to = "+4530000009"
    demo.limit(cooldownSeconds=600)
    try:
        sendbox.verifications.start(to=to, usage="sign-in")
        with pytest.raises(LimitReachedError) as caught:
            sendbox.verifications.start(to=to, usage="sign-in")
    finally:
        demo.limit(cooldownSeconds=0)
    assert caught.value.limit == "cooldown"
    assert caught.value.retry_after is not None and caught.value.retry_after > 500
    assert caught.value.end_user_message == "Please try again later."
    assert len(demo.codes(to)) == 1


def test_the_client_for_asyncio(demo: Demo) -> None:
    to = "+4530000010"

    async def story() -> None:
        async with AsyncSendbox(base_url=demo.url, api_key=demo.tenant_key, tenant="demo") as sendbox:
            started = await sendbox.verifications.start(to=to, usage="sign-in")
            (code,) = demo.codes(to)
            with pytest.raises(WrongCodeError):
                await sendbox.verifications.check(started.id, wrong(code))
            assert (await sendbox.verifications.check(started.id, code)).status == "approved"
            ids = [message.verification async for message in sendbox.messages.list_all(to=to)]
            assert ids == [started.id]

    asyncio.run(story())
