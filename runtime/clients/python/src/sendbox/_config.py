"""Where requests go and how: the arguments of the client, or else the environment."""

import ipaddress
import os
import re
from dataclasses import dataclass, field
from typing import Optional

import httpx

from .errors import InvalidArgumentError

DEFAULT_TIMEOUT = 30.0
DEFAULT_MAX_RETRIES = 2
DEFAULT_MAX_RETRY_AFTER = 5.0
_MAX_TIMEOUT = 3600.0
_MAX_MAX_RETRIES = 10


@dataclass(frozen=True)
class Config:
    """The validated options."""

    base_url: httpx.URL
    api_key: str = field(repr=False)
    tenant: str
    timeout: float
    max_retries: int
    max_retry_after: float


def resolve(
    *,
    base_url: Optional[str],
    api_key: Optional[str],
    tenant: Optional[str],
    timeout: float,
    max_retries: int,
    max_retry_after: float,
    insecure: bool,
) -> Config:
    return Config(
        base_url=_base_url(_required(base_url, "base_url", "SENDBOX_SERVER"), insecure),
        api_key=_api_key(_required(api_key, "api_key", "SENDBOX_KEY")),
        tenant=_tenant(_required(tenant, "tenant", "SENDBOX_TENANT")),
        timeout=checked_timeout(timeout),
        max_retries=checked_max_retries(max_retries),
        max_retry_after=_within("max_retry_after", max_retry_after, 0, 3600),
    )


def checked_timeout(seconds: float) -> float:
    return _within("timeout", seconds, 0.001, _MAX_TIMEOUT)


def checked_max_retries(retries: int) -> int:
    return int(_within("max_retries", retries, 0, _MAX_MAX_RETRIES))


def _within(name: str, value: float, least: float, most: float) -> float:
    if not least <= value <= most:
        raise InvalidArgumentError(f"{name} must be from {least:g} to {most:g}")
    return value


def _required(argument: Optional[str], name: str, variable: str) -> str:
    value = (os.environ.get(variable, "") if argument is None else argument).strip()
    if not value:
        raise InvalidArgumentError(f"{name} is missing: pass it, or set the environment variable {variable}")
    return value


# None of these errors quotes its value: somebody may have passed a key in the wrong place.


def _base_url(text: str, insecure: bool) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("https", "http") or not url.host:
        raise InvalidArgumentError("base_url is not a URL; expected one like https://sendbox.example.com")
    if url.userinfo or url.query or url.fragment:
        raise InvalidArgumentError(
            "base_url may contain a scheme, a host, a port and a path only; pass the key as api_key"
        )
    if url.scheme == "http" and not insecure and not _is_this_machine(url.host):
        raise InvalidArgumentError(
            "base_url is neither encrypted nor on this machine: everyone on the network path could read the key. "
            "Use https, or pass insecure=True"
        )
    return url


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _api_key(key: str) -> str:
    if not re.fullmatch(r"[!-~]+", key):
        raise InvalidArgumentError("api_key contains invalid characters; copy it again")
    return key


def _tenant(tenant: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,38}[a-z0-9]", tenant):
        raise InvalidArgumentError(
            "tenant is not the id of a tenant; expected 3 to 40 lowercase letters, digits and hyphens"
        )
    return tenant
