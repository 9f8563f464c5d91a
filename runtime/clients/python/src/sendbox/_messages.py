"""Messages: your platform makes the code and checks it itself; Sendbox sends it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, AsyncIterator, Dict, Iterator, List, Optional, Union

from ._call import ApiRequest, CallOptions, checked_id
from ._decode import decode, json_object
from ._send import AsyncSend, Send
from .types import DeliveryState, Message, MessageStatus, Mode, Usage


@dataclass(frozen=True)
class MessagePage:
    """A page of messages, newest first."""

    items: List[Message]
    """The messages of this page. Their attempts are without details: retrieve a message to see those."""

    next_cursor: Optional[str] = None
    """Pass it as `cursor` to get the next page. `None` on the last page."""


class Messages:
    """`sendbox.messages`. The API key needs the scope `send`, and `read` to list messages.

    Every method takes `timeout` (seconds) and `max_retries`, which replace those of the client.
    """

    def __init__(self, send: Send) -> None:
        self._send = send

    def create(
        self,
        *,
        to: str,
        usage: Usage,
        code: Optional[str] = None,
        text: Optional[str] = None,
        locale: Optional[str] = None,
        client_ip: Optional[str] = None,
        variables: Optional[Dict[str, str]] = None,
        lifetime_seconds: Optional[int] = None,
        mode: Optional[Mode] = None,
        wait_ms: Optional[int] = None,
        reference: Optional[str] = None,
        metadata: Optional[Dict[str, str]] = None,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> Message:
        """Sends a code that your platform made, or a text.

        The `status` of the message says what happened: `accepted` by a provider, `queued` or `sending` while the outcome is open,
        `in-doubt` if it will never be known.

        - `to`: the phone number to send to, in E.164 format.
        - `usage`: the purpose of the code. It selects the template and the flow.
        - `code`: 4 to 12 letters and digits. Without it, give a `text`, or use a template without `{{code}}`.
        - `text`: sent as it is, in place of the template. It contains the code, if there is one.
        - `locale`: the language of the message (BCP 47). Defaults to the template for any language.
        - `client_ip`: the end user's IP address. The policy's limit by address counts it, and it is passed to providers that ask for it.
        - `variables`: values of the template's other variables.
        - `lifetime_seconds`: how long the code is valid, 1 to 3600. Nothing is sent afterwards. Defaults to that of the policy.
        - `mode`: `async` responds as soon as the message is stored. Defaults to `sync`: the provider has answered.
        - `wait_ms`: how long `sync` waits for the outcome, 1 to 25000. Afterwards sending goes on, and the message is `sending`.
        - `reference`: your own id of what this is for, such as a session. Lists can be filtered by it.
        - `metadata`: values of your own, by name. `reference` and `metadata` are stored as they are: write no number or code into them.
        - `idempotency_key`: with the same key and arguments, the call happens once within 24 hours. Defaults to a random key.

        Raises `MessageNotSentError` if the message is stored and was not sent. Its `message` says why.
        Raises `LimitReachedError` if the policy allows no further message to this number now.
        """
        fields = dict(
            to=to,
            usage=usage,
            code=code,
            text=text,
            locale=locale,
            client_ip=client_ip,
            variables=variables,
            lifetime_seconds=lifetime_seconds,
            mode=mode,
            wait_ms=wait_ms,
            reference=reference,
            metadata=metadata,
        )
        return self._send(_create(fields), CallOptions(idempotency_key, timeout, max_retries))

    def retrieve(self, id: str, *, timeout: Optional[float] = None, max_retries: Optional[int] = None) -> Message:
        """Returns the message with every attempt: what was requested, what the provider answered, what was decided."""
        return self._send(_retrieve(id), CallOptions(None, timeout, max_retries))

    def cancel(self, id: str, *, timeout: Optional[float] = None, max_retries: Optional[int] = None) -> Message:
        """Cancels a message that waits for an attempt.

        If an earlier attempt may have reached the recipient, its status becomes `in-doubt`. Raises `ConflictError` if it is being sent, has
        ended otherwise, or belongs to a verification.
        """
        return self._send(_cancel(id), CallOptions(None, timeout, max_retries))

    def list(
        self,
        *,
        status: Optional[MessageStatus] = None,
        usage: Optional[Usage] = None,
        country: Optional[str] = None,
        to: Optional[str] = None,
        connection: Optional[str] = None,
        delivery: Optional[DeliveryState] = None,
        reference: Optional[str] = None,
        since: Union[datetime, str, None] = None,
        until: Union[datetime, str, None] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> MessagePage:
        """Returns one page of messages, newest first, including those of verifications. Every filter that is given applies.

        - `country`: ISO 3166-1 alpha-2, of the number.
        - `to`: exactly this phone number (E.164). It is sent in the body, and cannot be combined with `country`.
        - `connection`: the connection of the last attempt.
        - `reference`: your own id.
        - `since`, `until`: created at or after, and before, this time: a `datetime`, or a text in RFC 3339 format in UTC.
        - `limit`: the number of messages on a page, 1 to 200. Defaults to 50.
        - `cursor`: the `next_cursor` of the previous page.
        """
        fields = dict(
            status=status,
            usage=usage,
            country=country,
            to=to,
            connection=connection,
            delivery=delivery,
            reference=reference,
            since=since,
            until=until,
            limit=limit,
            cursor=cursor,
        )
        return self._send(_list(fields), CallOptions(None, timeout, max_retries))

    def list_all(
        self,
        *,
        status: Optional[MessageStatus] = None,
        usage: Optional[Usage] = None,
        country: Optional[str] = None,
        to: Optional[str] = None,
        connection: Optional[str] = None,
        delivery: Optional[DeliveryState] = None,
        reference: Optional[str] = None,
        since: Union[datetime, str, None] = None,
        until: Union[datetime, str, None] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> Iterator[Message]:
        """Every message that `list` finds, newest first. Pages are requested as you iterate; `limit` is the size of a page."""
        while True:
            page = self.list(
                status=status,
                usage=usage,
                country=country,
                to=to,
                connection=connection,
                delivery=delivery,
                reference=reference,
                since=since,
                until=until,
                limit=limit,
                cursor=cursor,
                timeout=timeout,
                max_retries=max_retries,
            )
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor


class AsyncMessages:
    """`sendbox.messages` of `AsyncSendbox`: the methods of `Messages`, to be awaited."""

    def __init__(self, send: AsyncSend) -> None:
        self._send = send

    async def create(
        self,
        *,
        to: str,
        usage: Usage,
        code: Optional[str] = None,
        text: Optional[str] = None,
        locale: Optional[str] = None,
        client_ip: Optional[str] = None,
        variables: Optional[Dict[str, str]] = None,
        lifetime_seconds: Optional[int] = None,
        mode: Optional[Mode] = None,
        wait_ms: Optional[int] = None,
        reference: Optional[str] = None,
        metadata: Optional[Dict[str, str]] = None,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> Message:
        """Sends a code that your platform made: see `Messages.create`."""
        fields = dict(
            to=to,
            usage=usage,
            code=code,
            text=text,
            locale=locale,
            client_ip=client_ip,
            variables=variables,
            lifetime_seconds=lifetime_seconds,
            mode=mode,
            wait_ms=wait_ms,
            reference=reference,
            metadata=metadata,
        )
        return await self._send(_create(fields), CallOptions(idempotency_key, timeout, max_retries))

    async def retrieve(
        self, id: str, *, timeout: Optional[float] = None, max_retries: Optional[int] = None
    ) -> Message:
        """Returns the message with every attempt: see `Messages.retrieve`."""
        return await self._send(_retrieve(id), CallOptions(None, timeout, max_retries))

    async def cancel(self, id: str, *, timeout: Optional[float] = None, max_retries: Optional[int] = None) -> Message:
        """Cancels a message that waits for an attempt: see `Messages.cancel`."""
        return await self._send(_cancel(id), CallOptions(None, timeout, max_retries))

    async def list(
        self,
        *,
        status: Optional[MessageStatus] = None,
        usage: Optional[Usage] = None,
        country: Optional[str] = None,
        to: Optional[str] = None,
        connection: Optional[str] = None,
        delivery: Optional[DeliveryState] = None,
        reference: Optional[str] = None,
        since: Union[datetime, str, None] = None,
        until: Union[datetime, str, None] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> MessagePage:
        """Returns one page of messages, newest first: see `Messages.list`."""
        fields = dict(
            status=status,
            usage=usage,
            country=country,
            to=to,
            connection=connection,
            delivery=delivery,
            reference=reference,
            since=since,
            until=until,
            limit=limit,
            cursor=cursor,
        )
        return await self._send(_list(fields), CallOptions(None, timeout, max_retries))

    async def list_all(
        self,
        *,
        status: Optional[MessageStatus] = None,
        usage: Optional[Usage] = None,
        country: Optional[str] = None,
        to: Optional[str] = None,
        connection: Optional[str] = None,
        delivery: Optional[DeliveryState] = None,
        reference: Optional[str] = None,
        since: Union[datetime, str, None] = None,
        until: Union[datetime, str, None] = None,
        limit: Optional[int] = None,
        cursor: Optional[str] = None,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
    ) -> AsyncIterator[Message]:
        """Every message that `list` finds, for `async for`: see `Messages.list_all`."""
        while True:
            page = await self.list(
                status=status,
                usage=usage,
                country=country,
                to=to,
                connection=connection,
                delivery=delivery,
                reference=reference,
                since=since,
                until=until,
                limit=limit,
                cursor=cursor,
                timeout=timeout,
                max_retries=max_retries,
            )
            for message in page.items:
                yield message
            if page.next_cursor is None:
                return
            cursor = page.next_cursor


def _create(fields: Dict[str, Any]) -> ApiRequest[Message]:
    secrets = [fields["to"], fields["code"], fields["text"]]
    return ApiRequest("POST", ["messages"], _read, body=json_object(fields), is_keyed=True, secrets=secrets)


def _retrieve(id: str) -> ApiRequest[Message]:
    return ApiRequest("GET", ["messages", checked_id(id, "message")], _read)


def _cancel(id: str) -> ApiRequest[Message]:
    return ApiRequest("POST", ["messages", checked_id(id, "message"), "cancel"], _read)


def _list(fields: Dict[str, Any]) -> ApiRequest[MessagePage]:
    if fields["to"] is None:
        return ApiRequest("GET", ["messages"], _read_page, query=json_object(fields))
    # A number is in no URL, because URLs are logged on their way.
    body = json_object(fields)
    return ApiRequest("POST", ["messages", "search"], _read_page, body=body, secrets=[fields["to"]])


def _read(body: object) -> Message:
    return decode(Message, body)


def _read_page(body: object) -> MessagePage:
    return decode(MessagePage, body)
