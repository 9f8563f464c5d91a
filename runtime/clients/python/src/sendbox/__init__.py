"""A client of Sendbox: send one-time passwords by SMS, and check them.

`Sendbox` is the client, and `AsyncSendbox` the one for asyncio. `sendbox.types` has the types of what they return, and `sendbox.errors` the
errors, which are here, too.
"""

from ._client import AsyncSendbox, Sendbox
from ._messages import AsyncMessages, MessagePage, Messages
from ._verifications import AsyncVerifications, Verifications
from .errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    ConflictError,
    CountryNotAllowedError,
    IdempotencyMismatchError,
    InternalServerError,
    InvalidArgumentError,
    InvalidInputError,
    LimitReachedError,
    MessageNotSentError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    QuotaReachedError,
    SendboxError,
    ServiceUnavailableError,
    TooManyRequestsError,
    UnexpectedResponseError,
    VerificationEndedError,
    WrongCodeError,
)
from .types import Message, Usage, Verification

__all__ = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AsyncMessages",
    "AsyncSendbox",
    "AsyncVerifications",
    "AuthenticationError",
    "ConflictError",
    "CountryNotAllowedError",
    "IdempotencyMismatchError",
    "InternalServerError",
    "InvalidArgumentError",
    "InvalidInputError",
    "LimitReachedError",
    "Message",
    "MessageNotSentError",
    "MessagePage",
    "Messages",
    "NotFoundError",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "QuotaReachedError",
    "Sendbox",
    "SendboxError",
    "ServiceUnavailableError",
    "TooManyRequestsError",
    "UnexpectedResponseError",
    "Usage",
    "Verification",
    "VerificationEndedError",
    "Verifications",
    "WrongCodeError",
]
