"""Every failure that has a name: one class each, with the code that logs, metrics and answers carry.

``status`` is the HTTP status a service answers with when the error reaches a request; the sentence says what to do
next. Adapters translate library errors into these (``from err``); nothing below a service catches a library's class.
"""

from __future__ import annotations

from typing import ClassVar


class UnderstudyError(Exception):
    """The root of all that Understudy raises on purpose."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500


class MalformedRecord(UnderstudyError):
    """A record from a log or a bucket does not parse; it is counted and skipped, never half-used."""

    code = "malformed_record"


class NewerRecord(MalformedRecord):
    """A record of a version or a kind that this release does not know: a newer one wrote it, and can read it."""

    code = "newer_record"


class MalformedKey(UnderstudyError):
    """A subject, KV key, object key or path was not built by ``keys``."""

    code = "malformed_key"
    status = 400


class InvalidResource(UnderstudyError):
    """A channel or origin endpoint that cannot be accepted; the message names the field."""

    code = "invalid_resource"
    status = 422


class NotAPlaylist(UnderstudyError):
    """A body that was sent as an HLS playlist and is none; the message says which line and why."""

    code = "not_a_playlist"
    status = 400


class EncryptedInput(UnderstudyError):
    """An input that is encrypted: an origin cannot look into it, join it or repair it."""

    code = "encrypted_input"
    status = 422


class NotYetAvailable(UnderstudyError):
    """A segment or playlist that will exist: the time delay has not passed, or nothing is published yet."""

    code = "not_yet_available"
    status = 404


class LeftWindow(UnderstudyError):
    """A segment that was available and is no longer kept."""

    code = "left_window"
    status = 404


class UnknownObject(UnderstudyError):
    """A path that names nothing this service has or will have."""

    code = "unknown"
    status = 404
