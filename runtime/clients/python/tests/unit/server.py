"""An HTTP server that gives prepared responses and records the requests, and clients of it that do not wait between attempts."""

import json
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List, Optional, Union

KEY = "sbx_unit_test_key_5d41402abc4b2a76"
NUMBER = "+4512345678"
CODE = "902417"

INSTANCE = "urn:sendbox:request:5f0c1e9b2a7d4c33"

VERIFICATION: Dict[str, Any] = {
    "id": "v7k3x9q2v5t8w4n6p1r0d",
    "status": "pending",
    "to": "+45…78",
    "usage": "sign-in",
    "metadata": {},
    "test": False,
    "triesLeft": 5,
    "sendsLeft": 3,
    "expiresAt": "2026-11-23T20:31:33Z",
    "createdAt": "2026-11-23T20:21:33Z",
}

MESSAGE: Dict[str, Any] = {
    "id": "m7k3x9q2v5t8w4n6p1r0d",
    "status": "accepted",
    "to": "+45…78",
    "usage": "sign-in",
    "metadata": {},
    "test": False,
    "attempts": [],
    "createdAt": "2026-11-23T20:21:33Z",
    "expiresAt": "2026-11-23T20:31:33Z",
}


@dataclass(frozen=True)
class Response:
    """A prepared response. A text is sent as HTML."""

    status: int
    body: object
    headers: Optional[Dict[str, str]] = None


RESET = "reset"
"""The connection is closed without a response."""
STALL = "stall"
"""There is no response."""

Answer = Union[Response, str]


@dataclass(frozen=True)
class Received:
    """A request that arrived."""

    method: str
    url: str
    headers: Dict[str, str]
    body: bytes


class Server:
    """Gives these answers in this order, until the end of the `with` block."""

    def __init__(self, *answers: Answer) -> None:
        self.received: List[Received] = []
        self._answers = list(answers)
        self._stopped = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Refuses further connections."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._http.shutdown()
            self._thread.join()
            self._http.server_close()

    @property
    def keys(self) -> List[Optional[str]]:
        return [request.headers.get("idempotency-key") for request in self.received]

    def _handler(server) -> "type[BaseHTTPRequestHandler]":  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # A connection that the client leaves open does not keep its thread.
            timeout = 5

            def do_GET(self) -> None:
                server._answer(self)

            def do_POST(self) -> None:
                server._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.received.append(Received(handler.command, handler.path, headers, body))
        answer = self._answers.pop(0) if self._answers else Response(500, "the test expected no further request")
        if not isinstance(answer, Response):
            if answer == STALL:
                self._stopped.wait()
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        is_text = isinstance(answer.body, str)
        content = str(answer.body).encode() if is_text else json.dumps(answer.body).encode()
        kind = "text/html" if is_text else "application/json" if answer.status < 300 else "application/problem+json"
        handler.send_response(answer.status)
        sent = {"Content-Type": kind, "Content-Length": str(len(content)), **(answer.headers or {})}
        for name, value in sent.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)


def problem(
    status: int, kind: str, headers: Optional[Dict[str, str]] = None, **members: object
) -> Response:
    """A problem document of this kind."""
    body = {"type": f"/problems/{kind}", "title": "Title", "status": status, "detail": "A detail.", "instance": INSTANCE}
    return Response(status, {**body, **members}, headers)
