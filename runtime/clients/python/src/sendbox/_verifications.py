"""Verifications: Sendbox makes a code, sends it and checks it."""

from typing import Any, Dict, List, Optional

from ._call import ApiRequest, CallOptions, checked_id
from ._decode import DecodeError, decode, json_object
from ._send import AsyncSend, Send
from .types import Mode, Usage, Verification


class Verifications:
    """`sendbox.verifications`. The API key needs the scope `verify`.

    Every method takes `timeout` (seconds) and `max_retries`, which replace those of the client.
    """

    def __init__(self, send: Send) -> None:
        self._send = send

    def start(
        self,
        *,
        to: str,
        usage: Usage,
        locale: Optional[str] = None,
        client_ip: Optional[str] = None,
        variables: Optional[Dict[str, str]] = None,
        reference: Optional[str] = None,
        metadata: Optional[Dict[str, str]] = None,
        mode: Optional[Mode] = None,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> Verification:
        """Makes a code and sends it. Keep the `id`: you check the code against it.

        - `to`: the phone number to verify, in E.164 format.
        - `usage`: the purpose of the code. It selects the template and the flow, and a code is valid for its own usage only.
        - `locale`: the language of the message (BCP 47). Defaults to the template for any language.
        - `client_ip`: the end user's IP address. The policy's limit by address counts it, and it is passed to providers that ask for it.
        - `variables`: values of the template's other variables.
        - `reference`: your own id of what this is for, such as a session. Lists can be filtered by it.
        - `metadata`: values of your own, by name. `reference` and `metadata` are stored as they are: write no number or code into them.
        - `mode`: `async` responds as soon as the message is stored. Defaults to `sync`: the provider has answered.
        - `idempotency_key`: with the same key and arguments, the call happens once within 24 hours. Defaults to a random key.

        Raises `MessageNotSentError` if the message was not sent. Its `verification` is still pending: resend its code, or cancel it.
        Raises `LimitReachedError` if the policy allows no further message to this number now.
        """
        fields = dict(
            to=to,
            usage=usage,
            locale=locale,
            client_ip=client_ip,
            variables=variables,
            reference=reference,
            metadata=metadata,
            mode=mode,
        )
        return self._send(_start(fields), CallOptions(idempotency_key, timeout, max_retries))

    def check(
        self,
        id: str,
        code: str,
        *,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> Verification:
        """Checks the code that the user entered. White space and hyphens between digits are ignored.

        It returns the verification, which is `approved`, only if the code is right. A right code is right once.

        Raises `WrongCodeError` if the code is wrong. Ask the user again while its `tries_left` is above 0.
        Raises `VerificationEndedError` if the verification has ended. Start a new one.
        Raises `LimitReachedError` if too many codes of this number were wrong.
        """
        return self._send(_check(id, code), CallOptions(idempotency_key, timeout, max_retries))

    def resend(
        self,
        id: str,
        *,
        client_ip: Optional[str] = None,
        mode: Optional[Mode] = None,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> Verification:
        """Makes a new code and sends it. Possible from `resend_available_at` on, while `sends_left` is above 0.

        The previous code stops working as soon as the message may have been sent.

        Raises `MessageNotSentError` if the message was not sent. The previous code still works.
        Raises `LimitReachedError` if it is too early, or the policy allows no further message to this number now.
        Raises `VerificationEndedError` if the verification has ended. Start a new one.
        """
        fields = dict(client_ip=client_ip, mode=mode)
        return self._send(_resend(id, fields), CallOptions(idempotency_key, timeout, max_retries))

    def retrieve(
        self, id: str, *, timeout: Optional[float] = None, max_retries: Optional[int] = None
    ) -> Verification:
        """Returns the verification as it is now. The code is never returned."""
        return self._send(_retrieve(id), CallOptions(None, timeout, max_retries))

    def cancel(self, id: str, *, timeout: Optional[float] = None, max_retries: Optional[int] = None) -> Verification:
        """Ends the verification: its code stops working, and a message that has not been sent yet is not sent.

        You can cancel it again. Raises `VerificationEndedError` if it has ended otherwise.
        """
        return self._send(_cancel(id), CallOptions(None, timeout, max_retries))


class AsyncVerifications:
    """`sendbox.verifications` of `AsyncSendbox`: the methods of `Verifications`, to be awaited."""

    def __init__(self, send: AsyncSend) -> None:
        self._send = send

    async def start(
        self,
        *,
        to: str,
        usage: Usage,
        locale: Optional[str] = None,
        client_ip: Optional[str] = None,
        variables: Optional[Dict[str, str]] = None,
        reference: Optional[str] = None,
        metadata: Optional[Dict[str, str]] = None,
        mode: Optional[Mode] = None,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> Verification:
        """Makes a code and sends it: see `Verifications.start`."""
        fields = dict(
            to=to,
            usage=usage,
            locale=locale,
            client_ip=client_ip,
            variables=variables,
            reference=reference,
            metadata=metadata,
            mode=mode,
        )
        return await self._send(_start(fields), CallOptions(idempotency_key, timeout, max_retries))

    async def check(
        self,
        id: str,
        code: str,
        *,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> Verification:
        """Checks the code that the user entered: see `Verifications.check`."""
        return await self._send(_check(id, code), CallOptions(idempotency_key, timeout, max_retries))

    async def resend(
        self,
        id: str,
        *,
        client_ip: Optional[str] = None,
        mode: Optional[Mode] = None,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> Verification:
        """Makes a new code and sends it: see `Verifications.resend`."""
        fields = dict(client_ip=client_ip, mode=mode)
        return await self._send(_resend(id, fields), CallOptions(idempotency_key, timeout, max_retries))

    async def retrieve(
        self, id: str, *, timeout: Optional[float] = None, max_retries: Optional[int] = None
    ) -> Verification:
        """Returns the verification as it is now. The code is never returned."""
        return await self._send(_retrieve(id), CallOptions(None, timeout, max_retries))

    async def cancel(
        self, id: str, *, timeout: Optional[float] = None, max_retries: Optional[int] = None
    ) -> Verification:
        """Ends the verification: see `Verifications.cancel`."""
        return await self._send(_cancel(id), CallOptions(None, timeout, max_retries))


def _start(fields: Dict[str, Any]) -> ApiRequest[Verification]:
    body = json_object(fields)
    return ApiRequest("POST", ["verifications"], _read, body=body, is_keyed=True, secrets=[fields["to"]])


def _check(id: str, code: str) -> ApiRequest[Verification]:
    path = [*_path(id), "check"]
    return ApiRequest("POST", path, _read_approved, body={"code": code}, is_keyed=True, secrets=[code])


def _resend(id: str, fields: Dict[str, Any]) -> ApiRequest[Verification]:
    return ApiRequest("POST", [*_path(id), "resend"], _read, body=json_object(fields), is_keyed=True)


def _retrieve(id: str) -> ApiRequest[Verification]:
    return ApiRequest("GET", _path(id), _read)


def _cancel(id: str) -> ApiRequest[Verification]:
    return ApiRequest("POST", [*_path(id), "cancel"], _read)


def _path(id: str) -> List[str]:
    return ["verifications", checked_id(id, "verification")]


def _read(body: object) -> Verification:
    return decode(Verification, body)


def _read_approved(body: object) -> Verification:
    """A response that something else than Sendbox made must not approve anybody."""
    verification = _read(body)
    if verification.status != "approved":
        raise DecodeError("the verification is not approved")
    return verification
