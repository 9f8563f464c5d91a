"""One call of the API: its request, what a response means, and whether another attempt follows.

It sends nothing itself, so that the synchronous and the asynchronous client share it. It promises

- that an `Idempotency-Key` is made once for each call, and is the same in all of its attempts;
- that no error contains the API key, a code, a phone number or a body.

It does not know messages or verifications.
"""

import errno
import json
import random
import re
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Generic, List, Optional, Sequence, TypeVar, Union

import httpx

from ._config import Config, checked_max_retries, checked_timeout
from ._decode import DecodeError, decode
from ._redact import redact_problem, secrets_of
from ._retry import FailedAttempt, parse_retry_after, pause_before_retry
from .errors import (
    APIConnectionError,
    APITimeoutError,
    InvalidArgumentError,
    SendboxError,
    UnexpectedResponseError,
    error_of,
    kind_of,
)
from .types import Problem

T = TypeVar("T")

USER_AGENT = "sendbox-python/0.1.0"


@dataclass(frozen=True)
class ApiRequest(Generic[T]):
    """A request to the API of the tenant, and how to read its result."""

    method: str
    path: Sequence[str]
    """The path below that of the tenant."""
    read: Callable[[object], T]
    """The result for the JSON of a 2xx response. Raises `DecodeError`."""
    body: Optional[Dict[str, Any]] = field(default=None, repr=False)
    query: Optional[Dict[str, Any]] = field(default=None, repr=False)
    is_keyed: bool = False
    """Whether the request has an `Idempotency-Key`."""
    secrets: Sequence[Optional[str]] = field(default=(), repr=False)
    """The values in the request that no error may contain."""


@dataclass(frozen=True)
class CallOptions:
    """Options of a single call. `None` means that of the client."""

    idempotency_key: Optional[str] = None
    timeout: Optional[float] = None
    max_retries: Optional[int] = None


@dataclass(frozen=True)
class Success(Generic[T]):
    """An attempt that has a result."""

    result: T


@dataclass(frozen=True)
class Failure:
    """An attempt that failed, and the error if none follows."""

    failed: FailedAttempt
    error: SendboxError


class Call(Generic[T]):
    """A call with its attempts."""

    def __init__(self, config: Config, request: ApiRequest[T], options: CallOptions) -> None:
        self._config = config
        self._request = request
        self._timeout = config.timeout if options.timeout is None else checked_timeout(options.timeout)
        self._max_retries = config.max_retries if options.max_retries is None else checked_max_retries(options.max_retries)
        self._key = _idempotency_key(options.idempotency_key) if request.is_keyed else None
        self._retries = 0

    def http_request(self) -> httpx.Request:
        """The request of an attempt."""
        base = self._config.base_url
        path = "/".join([base.path.rstrip("/"), "v1", "tenants", self._config.tenant, *self._request.path])
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self._config.api_key}",
            "User-Agent": USER_AGENT,
        }
        content = None
        if self._request.body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(self._request.body).encode()
        if self._key is not None:
            headers["Idempotency-Key"] = self._key
        return httpx.Request(
            self._request.method,
            base.copy_with(path=path),
            params=self._request.query or None,
            headers=headers,
            content=content,
            extensions={"timeout": httpx.Timeout(self._timeout).as_dict()},
        )

    def responded(self, response: httpx.Response) -> Union[Success[T], Failure]:
        """The attempt got this response, whose body is read."""
        status = response.status_code
        retry_after = parse_retry_after(response.headers.get("Retry-After"))
        try:
            body = response.json()
            if response.is_success:
                return Success(self._request.read(body))
            if response.headers.get("Content-Type", "").startswith("application/problem+json"):
                problem = decode(Problem, body)
                if problem.status == status:
                    problem = redact_problem(problem, secrets_of([self._config.api_key, *self._request.secrets]))
                    failed = FailedAttempt(status, kind_of(problem), retry_after)
                    return Failure(failed, error_of(problem, self._key))
        except (ValueError, DecodeError):
            pass
        return Failure(FailedAttempt(status, None, retry_after), UnexpectedResponseError(status, self._key))

    def lost(self, reason: httpx.RequestError) -> Failure:
        """The attempt got no complete response."""
        error: APIConnectionError
        if isinstance(reason, httpx.TimeoutException):
            error = APITimeoutError(f"no response within {self._timeout:g} s", self._key)
        else:
            error = APIConnectionError(f"no complete response: {_reason_of(reason)}", self._key)
        return Failure(FailedAttempt(), error)

    def pause(self, failure: Failure) -> Optional[float]:
        """The pause before the next attempt in seconds, or `None` if the call has failed."""
        pause = pause_before_retry(
            failure.failed,
            self._retries,
            max_retries=self._max_retries,
            max_retry_after=self._config.max_retry_after,
            random=_random(),
        )
        self._retries += 1
        return pause


def checked_id(id: str, name: str) -> str:
    """Checks an id before it becomes part of a path: `..` would name another one."""
    if not re.fullmatch(r"[a-z0-9_-]{1,60}", id):
        raise InvalidArgumentError(f"the id of the {name} is invalid; pass its `id`")
    return id


def _idempotency_key(given: Optional[str]) -> str:
    key = _new_key() if given is None else given
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise InvalidArgumentError("idempotency_key must be 1 to 255 visible ASCII characters")
    return key


def _reason_of(error: BaseException) -> str:
    """The system's name of the error, like `ECONNREFUSED`, or that of its class. Its text could contain the URL."""
    names: List[str] = []
    cause: Optional[BaseException] = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno in errno.errorcode:
            return errno.errorcode[cause.errno]
        names.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return names[0]


def _random() -> float:
    return random.random()


def _new_key() -> str:
    return str(uuid.uuid4())
