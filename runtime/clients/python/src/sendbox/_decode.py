"""Turns JSON into the dataclasses of `types`, and arguments into JSON.

Names are `triesLeft` in JSON and `tries_left` in Python. Fields that a class does not have are ignored, and so are values that a `Literal`
does not list, because a newer server may send them. Anything else that differs from the class is a `DecodeError`.
"""

import re
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Literal, Tuple, Type, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


class DecodeError(Exception):
    """The JSON is not what the class expects. Contains no value."""


def decode(cls: Type[T], value: object) -> T:
    """An object of this dataclass from a JSON object."""
    if not isinstance(value, dict):
        raise DecodeError(f"{cls.__name__} is not an object")
    arguments = {}
    for name, key, hint in _fields(cls):
        if value.get(key) is not None:
            arguments[name] = _convert(hint, value[key])
    try:
        return cls(**arguments)
    except TypeError:
        raise DecodeError(f"{cls.__name__} lacks a field") from None


def json_name(name: str) -> str:
    """`tries_left` becomes `triesLeft`, and `class_` becomes `class`."""
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


def json_object(arguments: Dict[str, Any]) -> Dict[str, Any]:
    """The arguments that were given, with their names and values in JSON."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return {json_name(name): _timestamp(value) if isinstance(value, datetime) else value for name, value in given.items()}


_FIELDS: Dict[type, List[Tuple[str, str, Any]]] = {}
"""What `_fields` has found: type hints are slow to resolve."""


def _fields(cls: Any) -> List[Tuple[str, str, Any]]:
    """The name, the name in JSON and the type of each field of a dataclass."""
    if cls not in _FIELDS:
        hints = get_type_hints(cls)
        _FIELDS[cls] = [(field.name, json_name(field.name), hints[field.name]) for field in fields(cls)]
    return _FIELDS[cls]


def _convert(hint: Any, value: object) -> Any:
    origin = get_origin(hint)
    if hint is object:
        return value
    if origin is Union:
        return _convert(get_args(hint)[0], value)
    if origin is Literal:
        return _convert(str, value)
    if origin is list and isinstance(value, list):
        (item,) = get_args(hint)
        return [_convert(item, one) for one in value]
    if origin is dict and isinstance(value, dict):
        return {name: _convert(get_args(hint)[1], one) for name, one in value.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        return decode(hint, value)
    if hint is datetime:
        return _datetime(value)
    # `bool` is an `int` in Python, and not in JSON.
    if isinstance(hint, type) and isinstance(value, hint) and isinstance(value, bool) == (hint is bool):
        return value
    raise DecodeError(f"a value is not {hint}")


def _datetime(value: object) -> datetime:
    found = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise DecodeError("a value is not a timestamp in UTC")
    whole, fraction = found.groups(default="0")
    time = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return time + timedelta(microseconds=int(fraction.ljust(6, "0")[:6]))


def _timestamp(time: datetime) -> str:
    """RFC 3339 in UTC. A time without a zone is a local time, as everywhere in Python."""
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
