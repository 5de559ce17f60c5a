"""An instant as clients write it: POSIX seconds, or ISO 8601 with a time zone. One rule for URLs and for the API."""

from __future__ import annotations

import re
from datetime import datetime

from understudy_domain import ticks
from understudy_domain.errors import UnderstudyError

_POSIX_SECONDS = re.compile(r"[0-9]{1,11}")
_ISO_8601 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
    r"|[0-9]{8}[Tt][0-9]{4}(?:[0-9]{2}(?:[.,][0-9]{1,9})?)?(?P<zone_of_basic>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


class MalformedInstant(UnderstudyError):
    """A text that is no instant; the message says why, and goes on from whatever names it."""

    code = "malformed_instant"
    status = 400


def parse_instant(text: str) -> int:
    """Ticks since the epoch.

    Raises:
        MalformedInstant: it is neither form, names no zone, or lies before 1970.
    """
    if _POSIX_SECONDS.fullmatch(text):
        return int(text) * ticks.TICKS_PER_SECOND
    match = _ISO_8601.fullmatch(text)
    if match is None:
        raise MalformedInstant("is neither POSIX seconds nor an ISO 8601 instant such as 2026-11-23T12:00:00Z")
    if match["zone"] is None and match["zone_of_basic"] is None:
        raise MalformedInstant("names no time zone; add Z for UTC, or an offset such as +01:00")
    try:
        instant = ticks.from_datetime(datetime.fromisoformat(text.upper().replace(",", ".")))
    except (ValueError, OverflowError) as err:
        raise MalformedInstant(f"is no instant: {err}") from err
    if instant < 0:
        raise MalformedInstant("lies before 1970")
    return instant
