"""A fresh `sendbox demo` on a free port, and the phone of its simulated provider."""

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional

import httpx

ROOT = Path(__file__).parents[5]


def program() -> str:
    """The program that `SENDBOX_BIN` names, or the newest that Cargo has built."""
    named = os.environ.get("SENDBOX_BIN")
    if named:
        return named
    built = [ROOT / "target" / profile / "sendbox" for profile in ("release", "debug")]
    newest = sorted((path for path in built if path.exists()), key=lambda path: path.stat().st_mtime)
    if not newest:
        raise RuntimeError("there is no `sendbox` to test: run `cargo build`, or set SENDBOX_BIN")
    return str(newest[-1])


class Demo:
    """Runs until the end of the `with` block."""

    url: str
    tenant_key: str
    _platform_key: str
    _phone: str
    """The URL of the simulated provider's inbox and faults."""

    def __enter__(self) -> "Demo":
        self._http = httpx.Client(trust_env=False)
        self._process = subprocess.Popen(
            [program(), "demo", "--port", "0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        printed: Dict[str, str] = {}
        for line in self._process.stdout:
            found = re.match(r" {2}(API|phone|tenant key|platform key) +(\S+)", line)
            if found:
                printed[found.group(1)] = found.group(2)
            if line.startswith("Messages appear below"):
                break
        else:
            raise RuntimeError(f"the demo did not start: exit code {self._process.wait()}")
        self.url = printed["API"].split("/v1/")[0]
        self.tenant_key, self._platform_key, self._phone = (
            printed[name] for name in ("tenant key", "platform key", "phone")
        )
        # No pause between two messages to one number.
        self.limit(cooldownSeconds=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        # What it printed since then is a few lines for each message, which fit into the pipe.
        self._process.communicate()
        self._http.close()

    def limit(self, **limits: int) -> None:
        """Sets limits of the tenant's policy; the others have their defaults."""
        policy = {"limits": limits, "countries": {"all": True}}
        self._call("PUT", f"{self.url}/v1/tenants/demo/policy", policy, self._platform_key)

    def codes(self, number: str) -> List[str]:
        """The codes that this number received, oldest first."""
        messages = sorted(self._call("GET", f"{self._phone}messages"), key=lambda message: int(message["number"]))
        return [
            found.group()
            for message in messages
            if message["to"] == number
            for found in [re.search(r"\d{6}", message["text"])]
            if found
        ]

    def fail_once(self, code: int) -> None:
        """The simulated provider answers the next message with this error of its own."""
        fault = {"target": "twilio", "fault": f"code:{code}", "times": 1}
        self._call("POST", f"{self._phone}faults", fault)

    def _call(self, method: str, url: str, body: Optional[object] = None, key: Optional[str] = None) -> Any:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        response = self._http.request(method, url, json=body, headers=headers) if body else self._http.get(url)
        response.raise_for_status()
        return response.json()
