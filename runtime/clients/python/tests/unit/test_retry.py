from typing import Optional

import pytest

from sendbox._retry import FailedAttempt, parse_retry_after, pause_before_retry


def pause(failed: FailedAttempt, retries: int = 0, random: float = 0, max_retries: int = 2) -> Optional[float]:
    return pause_before_retry(failed, retries, max_retries=max_retries, max_retry_after=5, random=random)


@pytest.mark.parametrize(
    ("failed", "is_retried"),
    [
        (FailedAttempt(), True),
        (FailedAttempt(408, "request-timeout"), True),
        (FailedAttempt(409, "idempotency-in-flight"), True),
        (FailedAttempt(429, "too-many-requests"), True),
        (FailedAttempt(429), True),
        (FailedAttempt(502), True),
        (FailedAttempt(503), True),
        (FailedAttempt(503, "outcome-unknown"), True),
        (FailedAttempt(503, "store-unavailable"), True),
        (FailedAttempt(504), True),
        (FailedAttempt(200), False),
        (FailedAttempt(307), False),
        (FailedAttempt(400, "malformed-json"), False),
        (FailedAttempt(401, "unauthenticated"), False),
        (FailedAttempt(404, "not-found"), False),
        (FailedAttempt(409, "flow-disabled"), False),
        (FailedAttempt(409), False),
        (FailedAttempt(410, "verification-ended"), False),
        (FailedAttempt(422, "wrong-code"), False),
        (FailedAttempt(424, "message-not-sent"), False),
        (FailedAttempt(429, "limit-reached", 1), False),
        (FailedAttempt(429, "quota-reached", 1), False),
        (FailedAttempt(500, "internal"), False),
    ],
)
def test_what_is_retried(failed: FailedAttempt, is_retried: bool) -> None:
    assert (pause(failed) is not None) == is_retried


@pytest.mark.parametrize(
    ("failed", "retries", "random", "expected"),
    [
        (FailedAttempt(), 0, 0, 0.25),
        (FailedAttempt(), 0, 1, 0.5),
        (FailedAttempt(), 1, 1, 1),
        (FailedAttempt(), 2, 1, None),
        (FailedAttempt(503, None, 0), 0, 0, 0),
        (FailedAttempt(503, None, 1), 0, 0, 1),
        (FailedAttempt(503, None, 1), 0, 1, 1.5),
        (FailedAttempt(503, None, 5), 1, 0, 5),
        (FailedAttempt(503, None, 6), 0, 0, None),
    ],
)
def test_how_long_it_waits(failed: FailedAttempt, retries: int, random: float, expected: Optional[float]) -> None:
    assert pause(failed, retries, random) == expected


def test_the_own_pause_is_bounded() -> None:
    assert pause(FailedAttempt(), 9, 1, max_retries=10) == 8


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("30", 30),
        (None, None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_a_number_of_seconds(header: Optional[str], seconds: Optional[int]) -> None:
    assert parse_retry_after(header) == seconds
