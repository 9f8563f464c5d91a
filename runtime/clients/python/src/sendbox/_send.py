"""How messages and verifications send their requests: the client gives them a function."""

from typing import Protocol, TypeVar

from ._call import ApiRequest, CallOptions

T = TypeVar("T")


class Send(Protocol):
    def __call__(self, request: ApiRequest[T], options: CallOptions) -> T: ...


class AsyncSend(Protocol):
    async def __call__(self, request: ApiRequest[T], options: CallOptions) -> T: ...
