from typing import Any, Dict

import pytest
from unit.server import KEY, VERIFICATION, Response, Server

from sendbox import AsyncSendbox, InvalidArgumentError, Sendbox

GOOD: Dict[str, Any] = {"base_url": "https://sendbox.example.com", "api_key": KEY, "tenant": "acme"}


def test_what_is_left_out_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(Response(200, VERIFICATION), Response(200, VERIFICATION)) as server:
        variables = {"SENDBOX_SERVER": server.url, "SENDBOX_KEY": KEY, "SENDBOX_TENANT": "from-environment"}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with Sendbox() as client:
            client.verifications.retrieve("v1")
        with Sendbox(tenant="argument") as client:
            client.verifications.retrieve("v1")
    assert [request.url.split("/")[3] for request in server.received] == ["from-environment", "argument"]
    assert {request.headers["authorization"] for request in server.received} == {f"Bearer {KEY}"}
    for name in variables:
        with monkeypatch.context() as without:
            without.delenv(name)
            for client_class in (Sendbox, AsyncSendbox):
                with pytest.raises(InvalidArgumentError, match=name):
                    client_class()


@pytest.mark.parametrize(
    ("base_url", "insecure", "is_allowed"),
    [
        ("https://sendbox.example.com", False, True),
        ("https://sendbox.example.com/under/a/path/", False, True),
        ("http://127.0.0.1:8080", False, True),
        ("http://[::1]:8080", False, True),
        ("http://localhost:8080", False, True),
        ("http://localhost.example.com:8080", False, False),
        ("http://127.0.0.1.example.com", False, False),
        ("http://10.0.0.1:8080", False, False),
        ("http://sendbox.example.com", False, False),
        ("http://sendbox.example.com", True, True),
        ("ftp://127.0.0.1", True, False),
        ("https://user:key@sendbox.example.com", False, False),
        ("https://sendbox.example.com/?key=1", False, False),
        ("https://sendbox.example.com/#key", False, False),
        ("sendbox.example.com", False, False),
        ("https://", False, False),
        ("https://a:b:c", False, False),
    ],
)
def test_the_key_is_sent_encrypted_or_to_this_machine(base_url: str, insecure: bool, is_allowed: bool) -> None:
    options = {**GOOD, "base_url": base_url, "insecure": insecure}
    if is_allowed:
        Sendbox(**options).close()
    else:
        with pytest.raises(InvalidArgumentError):
            Sendbox(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": "two words-5d41402a"},
        {"api_key": "línea-5d41402a"},
        {"tenant": "sbx_key-5d41402a"},
        {"tenant": "../other-5d41402a"},
        {"base_url": "sbx_key-5d41402a"},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": 3601},
        {"max_retries": -1},
        {"max_retries": 11},
        {"max_retry_after": -1},
        {"max_retry_after": 3601},
    ],
)
def test_invalid_options_are_refused_and_not_quoted(options: Dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Sendbox(**{**GOOD, **options})
    assert "5d41402a" not in str(caught.value)
    assert caught.value.__context__ is None
