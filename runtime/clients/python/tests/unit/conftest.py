"""What every unit test gets: clients that do not wait, and whose keys are `key-1`, `key-2`, …"""

import itertools
import ssl
from typing import Any, Callable, Iterator, List

import httpx
import pytest
from unit.server import KEY, Server

from sendbox import Sendbox, _call, _client

NewClient = Callable[..., Sendbox]

# A context of its own for each client would take most of the time of these tests, which use no TLS.
TLS = ssl.create_default_context()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> List[float]:
    """What the clients would have waited between attempts, in seconds."""
    waited: List[float] = []

    async def async_sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(_client, "_sleep", waited.append)
    monkeypatch.setattr(_client, "_async_sleep", async_sleep)
    monkeypatch.setattr(_call, "_random", lambda: 1.0)
    return waited


@pytest.fixture
def new_client(monkeypatch: pytest.MonkeyPatch, pauses: List[float]) -> Iterator[NewClient]:
    """Makes clients of a server, which are closed after the test."""
    numbers = itertools.count(1)
    monkeypatch.setattr(_call, "_new_key", lambda: f"key-{next(numbers)}")
    clients: List[Sendbox] = []

    def new(server: Server, **options: Any) -> Sendbox:
        transport = httpx.HTTPTransport(verify=TLS)
        options = {"base_url": server.url, "api_key": KEY, "tenant": "acme", "transport": transport, **options}
        client = Sendbox(**options)
        clients.append(client)
        return client

    yield new
    for client in clients:
        client.close()
