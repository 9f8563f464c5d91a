"""The running demo that `.ci/platforms` has started, for the tests in Python. `service.mjs` is the same for those in JavaScript."""

import json
import os
import random
import time
import unittest
import urllib.error
import urllib.request
from urllib.parse import urlsplit

URL, KEY, INBOX = (os.environ[name] for name in ("SENDBOX_URL", "SENDBOX_KEY", "SENDBOX_INBOX"))
INGRESSES = f"{URL}/v1/tenants/demo/ingresses"


def request(method, url, body=None, headers=None):
    """The status and the JSON document of a response."""
    data = body.encode() if isinstance(body, str) else body
    asked = urllib.request.Request(url, data, headers or {}, method=method)
    try:
        with urllib.request.urlopen(asked) as response:
            return response.status, json.loads(response.read() or "null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def manage(method, url, body=None):
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    status, answer = request(method, url, None if body is None else json.dumps(body), headers)
    assert status < 300, f"{method} {url}: {status} {answer}"
    return answer


class Ingress:
    """An ingress with a name of its own. It is deleted at the end of the module, because a tenant can have 50."""

    def __init__(self, kind, **rest):
        self.name = f"{kind}-{random.randrange(10**9)}"
        saved = manage("PUT", f"{INGRESSES}/{self.name}", {"kind": kind, **rest})
        unittest.addModuleCleanup(manage, "DELETE", f"{INGRESSES}/{self.name}")
        authentication = saved["authentication"]
        self.username = authentication["username"]
        self.secret = (authentication["secrets"] or [""])[0]
        self.setup = saved["setup"]
        self.shown_address = saved["address"]
        # The demo's public URL is reached by its simulated providers only.
        self.address = URL + urlsplit(self.shown_address).path

    def post(self, body, headers):
        return request("POST", self.address, body, {"Content-Type": "application/json", **headers})

    def calls(self):
        """The calls, newest first."""
        return manage("GET", f"{INGRESSES}/{self.name}/calls")


def number_and_code():
    """A Danish number that no other test uses, without `+`, and a code."""
    return f"4531{random.randrange(10**5, 10**6)}", str(random.randrange(10**5, 10**6))


def received(digits):
    """The texts that a number has received, oldest first."""
    messages = request("GET", f"{INBOX}/messages")[1]
    return [message["text"] for message in messages if message["to"].endswith(digits)]


class TestCase(unittest.TestCase):
    def assert_hidden(self, shown, *hidden):
        """Fails if what a platform sees, or the log of an ingress, contains the number, the code or the secret."""
        text = shown if isinstance(shown, str) else json.dumps(shown, default=str)
        for value in hidden:
            self.assertNotIn(value, text)

    def outcomes(self, ingress, *hidden):
        """The outcomes of an ingress' calls, oldest first. The log, too, hides what it must."""
        calls = ingress.calls()
        self.assert_hidden(calls, *filter(None, [ingress.secret]), *hidden)
        return [call["outcome"] for call in reversed(calls)]

    def received_count(self, digits, count):
        """Waits until a number has received so many texts."""
        for _ in range(400):
            texts = received(digits)
            if len(texts) >= count:
                return texts
            time.sleep(0.025)
        self.fail(f"fewer than {count} messages arrived")
