"""Removes what is secret in a request from texts of its response. Sendbox does not quote these values; a proxy might."""

import re
from dataclasses import replace
from typing import Iterable, List, Optional, Sequence

from .types import Problem

_MASK = "[redacted]"
_SHORTEST = 4
"""Shorter values are neither codes nor numbers, and occur in many words."""


def redact_problem(problem: Problem, secrets: Sequence[str]) -> Problem:
    """Replaces the secrets in the texts of a problem document that errors show."""

    def redact(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, _MASK)
        return text

    errors = problem.errors and [replace(error, message=redact(error.message)) for error in problem.errors]
    return replace(problem, title=redact(problem.title), detail=redact(problem.detail), errors=errors)


def secrets_of(values: Iterable[Optional[str]]) -> List[str]:
    """These values, as they were given and without the white space and hyphens that the server ignores."""
    forms = {form for text in values if text for form in (text, re.sub(r"[\s-]", "", text), text.lstrip("+"))}
    return sorted((form for form in forms if len(form) >= _SHORTEST), key=len, reverse=True)
