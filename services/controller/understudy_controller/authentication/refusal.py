"""Why a request is not taken for its sender's."""

from __future__ import annotations

from enum import StrEnum

from understudy_domain.errors import UnderstudyError


class Reason(StrEnum):
    """One for each check; a label of the metric.

    A request is refused for the first that fails: of its form and time, then of its key, then of body and signature.
    The last two are made only where nothing is signed.
    """

    PRESIGNED = "presigned"
    """Signed in the query instead of the header."""
    MISSING_SIGNATURE = "missing_signature"
    MALFORMED = "malformed"
    """An ``Authorization`` or ``x-amz-date`` that does not parse."""
    WRONG_SERVICE = "wrong_service"
    """Signed for another service than ``mediapackage``."""
    UNSIGNED_HEADER = "unsigned_header"
    """A header that must be signed and is not."""
    CLOCK_SKEW = "clock_skew"
    UNKNOWN_KEY = "unknown_key"
    WRONG_BODY = "wrong_body"
    """Another body than the one that was signed, or one that was left unsigned."""
    WRONG_SIGNATURE = "wrong_signature"
    READ_ONLY = "read_only"
    """A key that may only ask, on an operation that writes."""
    FOREIGN_HOST = "foreign_host"
    """It is meant for a host of another name than ours."""
    FOREIGN_ORIGIN = "foreign_origin"
    """A page of another origin sends it."""


class RequestRefused(UnderstudyError):
    """A request without a valid signature, or one that its key does not allow."""

    code = "forbidden"
    status = 403

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
