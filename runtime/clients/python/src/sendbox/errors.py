"""The errors of this client: one class for each kind of problem that a program handles, and their common parents.

No error contains the API key, a code, a phone number or the request: errors are logged.
"""

from typing import Any, Dict, List, Optional, Tuple, Type

from .types import FieldError, Flow, Message, Problem, Scope, Verification

__all__ = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AuthenticationError",
    "ConflictError",
    "CountryNotAllowedError",
    "IdempotencyMismatchError",
    "InternalServerError",
    "InvalidArgumentError",
    "InvalidInputError",
    "LimitReachedError",
    "MessageNotSentError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "QuotaReachedError",
    "SendboxError",
    "ServiceUnavailableError",
    "TooManyRequestsError",
    "UnexpectedResponseError",
    "VerificationEndedError",
    "WrongCodeError",
]


class SendboxError(Exception):
    """The parent of all errors of this client."""


class InvalidArgumentError(SendboxError, ValueError):
    """An argument or an environment variable is missing or invalid. Nothing was sent to the server."""


class APIConnectionError(SendboxError):
    """No complete response arrived, also not to the retries.

    The server may have carried out the request: to find out, repeat the call with this `idempotency_key`. It does not happen twice.
    """

    idempotency_key: Optional[str]
    """The `Idempotency-Key` of the request. `None` for calls that have none."""

    def __init__(self, message: str, idempotency_key: Optional[str] = None) -> None:
        super().__init__(message)
        self.idempotency_key = idempotency_key


class APITimeoutError(APIConnectionError):
    """The server was silent for longer than `timeout` in the last attempt."""


class UnexpectedResponseError(SendboxError):
    """The response is not one of Sendbox: it may come from a proxy, or `base_url` names another service.

    The server may have carried out the request: to find out, repeat the call with this `idempotency_key`.
    """

    status: int
    """The HTTP status of the response."""

    idempotency_key: Optional[str]
    """The `Idempotency-Key` of the request. `None` for calls that have none."""

    def __init__(self, status: int, idempotency_key: Optional[str] = None) -> None:
        super().__init__(status, idempotency_key)
        self.status = status
        self.idempotency_key = idempotency_key

    def __str__(self) -> str:
        return (
            f"the server responded with {self.status}, but not as Sendbox does; "
            "check base_url, and the proxies in front of the server"
        )


class APIError(SendboxError):
    """The server refused the request, or failed. Handle a subclass, or branch on `kind`."""

    kind: str
    """What went wrong, like `wrong-code`: the last part of the problem's `type`. It never changes."""

    status: int
    """The HTTP status."""

    title: str
    """A short title, the same for every problem of this kind."""

    detail: str
    """What is wrong with this request, and what to do. For developers, not for end users."""

    request_id: str
    """The id of the request, under which the server's log has more."""

    retry_after: Optional[int]
    """Seconds until the same request could succeed. `None` when waiting does not help."""

    idempotency_key: Optional[str]
    """The `Idempotency-Key` of the request. `None` for calls that have none."""

    def __init__(self, problem: Problem, idempotency_key: Optional[str] = None) -> None:
        self.kind = kind_of(problem)
        super().__init__(f"{problem.detail} ({problem.status} {self.kind}, {problem.instance})")
        self.status = problem.status
        self.title = problem.title
        self.detail = problem.detail
        self.request_id = problem.instance
        self.retry_after = problem.retry_after
        self.idempotency_key = idempotency_key
        self._problem = problem

    def __reduce__(self) -> Tuple[Any, ...]:
        # Exceptions are copied with their `args` otherwise, and those are the message.
        return type(self), (self._problem, self.idempotency_key)


class AuthenticationError(APIError):
    """401: the API key is missing, unknown, expired or revoked."""


class PermissionDeniedError(APIError):
    """403: the API key does not permit this call."""

    @property
    def scope(self) -> Optional[Scope]:
        """With `insufficient-scope`: the scope that the key lacks."""
        return self._problem.scope


class CountryNotAllowedError(APIError):
    """403 `country-not-allowed`: the tenant's policy allows no messages to the country of this number."""

    @property
    def country(self) -> Optional[str]:
        """The country of the number (ISO 3166-1 alpha-2)."""
        return self._problem.country


class NotFoundError(APIError):
    """404: there is no such tenant, message or verification that the API key may see."""


class ConflictError(APIError):
    """409: the current state does not allow this.

    `kind` is `flow-disabled`, `no-active-connection` or `conflict`. With `idempotency-in-flight`, an attempt with this `idempotency_key`
    is still in progress: repeat the call with it later.
    """

    @property
    def flow(self) -> Optional[Flow]:
        """With `flow-disabled`: the flow."""
        return self._problem.flow


class VerificationEndedError(APIError):
    """410 `verification-ended`: it is approved, expired, exhausted, cancelled or superseded. Start a new one."""

    @property
    def verification(self) -> Optional[Verification]:
        """The verification: its `status` says how it ended."""
        return self._problem.verification


class InvalidInputError(APIError):
    """422 `invalid-input`: fields are missing, invalid or unknown."""

    @property
    def errors(self) -> List[FieldError]:
        """Everything that is wrong with the input. No entry quotes a value."""
        return self._problem.errors or []


class IdempotencyMismatchError(APIError):
    """422 `idempotency-mismatch`: this `idempotency_key` was used with other arguments."""


class WrongCodeError(APIError):
    """422 `wrong-code`: the code is wrong, and the try was counted."""

    @property
    def tries_left(self) -> int:
        """How many tries this code has left. Ask the user again while it is above 0."""
        return self._problem.tries_left or 0


class MessageNotSentError(APIError):
    """424 `message-not-sent`: the message is stored, and was not sent.

    The same `idempotency_key` does not send it again.
    """

    @property
    def message(self) -> Optional[Message]:
        """The message: its `failure` says who failed and what to do."""
        return self._problem.message

    @property
    def verification(self) -> Optional[Verification]:
        """The verification, which is still pending: resend its code, or cancel it. `None` for `messages.create`."""
        return self._problem.verification


class LimitReachedError(APIError):
    """429 `limit-reached`: a limit of the tenant's policy on messages or checks.

    The client does not retry it: the user would wait.
    """

    @property
    def limit(self) -> Optional[str]:
        """The name of the limit, like `number-per-hour`."""
        return self._problem.limit

    @property
    def end_user_message(self) -> Optional[str]:
        """A neutral sentence in English that you may show to an end user."""
        return self._problem.end_user_message


class QuotaReachedError(APIError):
    """429 `quota-reached`: the tenant stores as much of something as it may, such as messages in progress."""

    @property
    def limit(self) -> Optional[str]:
        """The name of the quota, like `messages-in-progress`."""
        return self._problem.limit


class TooManyRequestsError(APIError):
    """429 `too-many-requests`: the key or its tenant makes requests too fast.

    The last attempt did nothing. If an attempt before it was lost, only a call with this `idempotency_key` is the same call.
    """


class ServiceUnavailableError(APIError):
    """503: the server cannot handle the request now, also after the retries.

    Repeat the call with this `idempotency_key`: a server that stops may have stored the request, and so may an attempt that was lost
    before.
    """


class OutcomeUnknownError(APIError):
    """503 `outcome-unknown`: the server does not know whether it stored the request, also after the retries.

    Repeat the call with this `idempotency_key`. A call without it could send a second message.
    """


class InternalServerError(APIError):
    """500 `internal`: Sendbox failed, and may have stored the request. Give the `request_id` to the operator."""


_BY_KIND: Dict[str, Type[APIError]] = {
    "country-not-allowed": CountryNotAllowedError,
    "verification-ended": VerificationEndedError,
    "invalid-input": InvalidInputError,
    "idempotency-mismatch": IdempotencyMismatchError,
    "wrong-code": WrongCodeError,
    "message-not-sent": MessageNotSentError,
    "limit-reached": LimitReachedError,
    "quota-reached": QuotaReachedError,
    "too-many-requests": TooManyRequestsError,
    "outcome-unknown": OutcomeUnknownError,
}

_BY_STATUS: Dict[int, Type[APIError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    500: InternalServerError,
    503: ServiceUnavailableError,
}


def kind_of(problem: Problem) -> str:
    """The name of a problem's kind."""
    return problem.type.rsplit("/problems/", 1)[-1]


def error_of(problem: Problem, idempotency_key: Optional[str]) -> APIError:
    """The error for a problem document."""
    error_class = _BY_KIND.get(kind_of(problem)) or _BY_STATUS.get(problem.status, APIError)
    return error_class(problem, idempotency_key)
