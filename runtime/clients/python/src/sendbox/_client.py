"""The clients: `Sendbox`, and `AsyncSendbox` for asyncio.

They use the transports of httpx without its clients, for two reasons. The clients log every URL, and the URL of a list may contain a phone
number. And the transports follow no redirect, so the API key goes to the configured server only.
"""

import asyncio
import time
from types import TracebackType
from typing import Optional, Type, TypeVar, Union

import httpx

from ._call import ApiRequest, Call, CallOptions, Failure, Success
from ._config import DEFAULT_MAX_RETRIES, DEFAULT_MAX_RETRY_AFTER, DEFAULT_TIMEOUT, resolve
from ._messages import AsyncMessages, Messages
from ._verifications import AsyncVerifications, Verifications

T = TypeVar("T")


class Sendbox:
    """A client of one tenant of a Sendbox server. It keeps connections open, and threads can share it.

    ```python
    with Sendbox(base_url="https://sendbox.example.com", api_key="sbx_…", tenant="acme") as sendbox:
        verification = sendbox.verifications.start(to="+4512345678", usage="sign-in")
        sendbox.verifications.check(verification.id, "123456")
    ```

    - `base_url`: the URL of the server. Defaults to the environment variable `SENDBOX_SERVER`.
    - `api_key`: a key of the tenant, or the platform key. Defaults to the environment variable `SENDBOX_KEY`.
    - `tenant`: the id of the tenant. Defaults to the environment variable `SENDBOX_TENANT`.
    - `timeout`: how long an attempt waits for a connection, and for each part of the response, in seconds. Defaults to 30: the server
      waits up to 25 seconds for a provider before it responds with 202.
    - `max_retries`: how many attempts may follow a failed one. Defaults to 2. 0 turns retries off.
    - `max_retry_after`: the longest `Retry-After` that the client waits for, in seconds. Longer ones fail at once. Defaults to 5.
    - `insecure`: allows `http://` to a server that is not on this machine. Everyone on the network path can read the key, codes and
      numbers.
    - `transport`: a transport of httpx, for example `httpx.HTTPTransport(proxy="http://…")`. It is closed with the client. The default
      uses no proxy.

    Raises `InvalidArgumentError` if an option is missing or invalid.
    """

    verifications: Verifications
    """Codes that Sendbox makes, sends and checks."""

    messages: Messages
    """Codes that your platform makes, and checks itself."""

    def __init__(
        self,
        *,
        base_url: Optional[str] = None,
        api_key: Optional[str] = None,
        tenant: Optional[str] = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        max_retry_after: float = DEFAULT_MAX_RETRY_AFTER,
        insecure: bool = False,
        transport: Optional[httpx.BaseTransport] = None,
    ) -> None:
        self._config = resolve(
            base_url=base_url,
            api_key=api_key,
            tenant=tenant,
            timeout=timeout,
            max_retries=max_retries,
            max_retry_after=max_retry_after,
            insecure=insecure,
        )
        self._transport = httpx.HTTPTransport() if transport is None else transport
        self.verifications = Verifications(self._send)
        self.messages = Messages(self._send)

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def __enter__(self) -> "Sendbox":
        return self

    def __exit__(
        self,
        exc_type: Optional[Type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def _send(self, request: ApiRequest[T], options: CallOptions) -> T:
        call = Call(self._config, request, options)
        while True:
            attempt = self._attempt(call)
            if isinstance(attempt, Success):
                return attempt.result
            pause = call.pause(attempt)
            if pause is None:
                raise attempt.error
            _sleep(pause)

    def _attempt(self, call: Call[T]) -> Union[Success[T], Failure]:
        try:
            response = self._transport.handle_request(call.http_request())
            try:
                response.read()
            finally:
                response.close()
        except httpx.RequestError as error:
            # Not raised here: httpx's error would be its context, and holds the request.
            return call.lost(error)
        return call.responded(response)


class AsyncSendbox:
    """The client for asyncio: the options and methods of `Sendbox`, to be awaited.

    ```python
    async with AsyncSendbox(base_url="https://sendbox.example.com", api_key="sbx_…", tenant="acme") as sendbox:
        verification = await sendbox.verifications.start(to="+4512345678", usage="sign-in")
        await sendbox.verifications.check(verification.id, "123456")
    ```

    `transport` is an `httpx.AsyncHTTPTransport`. Raises `InvalidArgumentError` if an option is missing or invalid.
    """

    verifications: AsyncVerifications
    """Codes that Sendbox makes, sends and checks."""

    messages: AsyncMessages
    """Codes that your platform makes, and checks itself."""

    def __init__(
        self,
        *,
        base_url: Optional[str] = None,
        api_key: Optional[str] = None,
        tenant: Optional[str] = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        max_retry_after: float = DEFAULT_MAX_RETRY_AFTER,
        insecure: bool = False,
        transport: Optional[httpx.AsyncBaseTransport] = None,
    ) -> None:
        self._config = resolve(
            base_url=base_url,
            api_key=api_key,
            tenant=tenant,
            timeout=timeout,
            max_retries=max_retries,
            max_retry_after=max_retry_after,
            insecure=insecure,
        )
        self._transport = httpx.AsyncHTTPTransport() if transport is None else transport
        self.verifications = AsyncVerifications(self._send)
        self.messages = AsyncMessages(self._send)

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> "AsyncSendbox":
        return self

    async def __aexit__(
        self,
        exc_type: Optional[Type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    async def _send(self, request: ApiRequest[T], options: CallOptions) -> T:
        call = Call(self._config, request, options)
        while True:
            attempt = await self._attempt(call)
            if isinstance(attempt, Success):
                return attempt.result
            pause = call.pause(attempt)
            if pause is None:
                raise attempt.error
            await _async_sleep(pause)

    async def _attempt(self, call: Call[T]) -> Union[Success[T], Failure]:
        try:
            response = await self._transport.handle_async_request(call.http_request())
            try:
                await response.aread()
            finally:
                await response.aclose()
        except httpx.RequestError as error:
            # Not raised here: httpx's error would be its context, and holds the request.
            return call.lost(error)
        return call.responded(response)


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


async def _async_sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)
