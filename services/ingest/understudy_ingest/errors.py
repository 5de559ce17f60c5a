"""Why ingest refuses or cannot take an upload: the sentences are read by the people who run encoders."""

from __future__ import annotations

from understudy_domain.errors import EncryptedInput, NotAPlaylist, UnderstudyError
from understudy_runtime.errors import BusUnavailable, OfANewerRelease, StillStarting


class UnsupportedMedia(UnderstudyError):
    """A body or a playlist feature that this origin does not take, however well formed."""

    code = "unsupported_media"
    status = 415


class DamagedMedia(UnderstudyError):
    """A segment that is MPEG-TS and cannot be used: cut short, out of sync, without timestamps or tracks."""

    code = "damaged_media"
    status = 422


class ForeignPath(UnderstudyError):
    """A playlist names something that is not under its input URL, so that it can never arrive here."""

    code = "foreign_path"
    status = 422


class UnknownPath(UnderstudyError):
    """A path that is no input URL of any channel."""

    code = "unknown_path"
    status = 404


class MethodNotAllowed(UnderstudyError):
    """An input URL is for writing."""

    code = "method_not_allowed"
    status = 405


class Unauthorized(UnderstudyError):
    """No credentials, or not the ones of this ingest endpoint."""

    code = "unauthorized"
    status = 401

    def __init__(self, sentence: str, *, stale: bool = False) -> None:
        super().__init__(sentence)
        self.stale = stale
        """The credentials are right, the nonce is too old: repeat with the new one, ask nobody."""


class BodyTooLarge(UnderstudyError):
    """More bytes than one upload may have."""

    code = "body_too_large"
    status = 413


class BodyIncomplete(UnderstudyError):
    """The connection ended before the body did. There is nobody to read the answer; it is for the metrics."""

    code = "body_incomplete"
    status = 400


class BodyStalled(UnderstudyError):
    """Nothing more of the body came for too long."""

    code = "body_stalled"
    status = 408


class Overloaded(UnderstudyError):
    """As much is held in memory as may be."""

    code = "overloaded"
    status = 503


class HeldTooLong(UnderstudyError):
    """Storage or bus stayed away for longer than an upload is held: it is lost, unless the encoder sends it again."""

    code = "held_too_long"
    status = 503


REASONS = (
    UnsupportedMedia.code,
    DamagedMedia.code,
    ForeignPath.code,
    UnknownPath.code,
    MethodNotAllowed.code,
    Unauthorized.code,
    BodyTooLarge.code,
    BodyIncomplete.code,
    BodyStalled.code,
    Overloaded.code,
    HeldTooLong.code,
    NotAPlaylist.code,
    EncryptedInput.code,
    BusUnavailable.code,
    StillStarting.code,
    OfANewerRelease.code,
)
"""Every reason an upload may be refused for."""
