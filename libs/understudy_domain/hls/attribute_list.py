"""Attribute lists, ``NAME=value,NAME="value"``, and the scalar values that tags are made of (RFC 8216, 4.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from understudy_domain import ticks
from understudy_domain.errors import NotAPlaylist

# Nothing is given back: blanks may belong to either side of a value, and all ways to share them are their number cubed.
_ATTRIBUTE = re.compile(r'\s*+([A-Za-z0-9_-]++)\s*+=\s*+(?:"([^"]*+)"|([^",]*+))\s*+(?:,|$)')
_ENUMERATED = re.compile(r"[A-Za-z0-9_.-]+")
_INTEGER = re.compile(r"[0-9]{1,20}")
_DECIMAL = re.compile(r"([0-9]{1,9})(?:\.([0-9]{0,18}))?")
_RESOLUTION = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")
_INSTANT_MAX = 2**53

TICKS_PER_MILLISECOND = ticks.TICKS_PER_SECOND // 1_000


def parse_attribute_list(text: str) -> dict[str, str]:
    """Attribute names to values without their quotes.

    Raises:
        NotAPlaylist: the text is no attribute list.
    """
    attributes: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _ATTRIBUTE.match(text, position)
        if match is None:
            raise NotAPlaylist(f"not an attribute list from {text[position : position + 40]!r} on")
        quoted = match[2]
        attributes[match[1]] = match[3].strip() if quoted is None else quoted
        position = match.end()
    return attributes


def render_attribute_list(plain: Mapping[str, object | None], quoted: Mapping[str, str | None]) -> str:
    """Both groups in order, ``plain`` as they are and ``quoted`` in quotes; absent (None) ones left out."""
    parts = [f"{name}={value}" for name, value in plain.items() if value is not None]
    parts += [f'{name}="{value}"' for name, value in quoted.items() if value is not None]
    return ",".join(parts)


def required(attributes: Mapping[str, str], name: str) -> str:
    """An attribute that the tag must have.

    Raises:
        NotAPlaylist: it lacks it.
    """
    try:
        return attributes[name]
    except KeyError as err:
        raise NotAPlaylist(f"{name} is missing") from err


def enumerated(text: str) -> str:
    """An enumerated string: a word without quotes, commas or blanks.

    Raises:
        NotAPlaylist: it is none.
    """
    if not _ENUMERATED.fullmatch(text):
        raise NotAPlaylist(f"{text!r:.60} is no enumerated value")
    return text


def integer(text: str) -> int:
    """A decimal-integer.

    Raises:
        NotAPlaylist: it is none.
    """
    if not _INTEGER.fullmatch(text):
        raise NotAPlaylist(f"{text!r:.60} is no whole number")
    return int(text)


def decimal(text: str) -> str:
    """A decimal number, kept as written, because 29.970 says more than the nearest binary fraction.

    Raises:
        NotAPlaylist: it is none.
    """
    if not _DECIMAL.fullmatch(text):
        raise NotAPlaylist(f"{text!r:.60} is no decimal number")
    return text


def optional_integer(attributes: Mapping[str, str], name: str) -> int | None:
    """An integer attribute that may be absent.

    Raises:
        NotAPlaylist: it is there and no integer.
    """
    text = attributes.get(name)
    return None if text is None else integer(text)


def resolution(attributes: Mapping[str, str]) -> tuple[int | None, int | None]:
    """RESOLUTION as width and height in pixels, both None where it is absent.

    Raises:
        NotAPlaylist: it is there and not ``<width>x<height>``.
    """
    text = attributes.get("RESOLUTION")
    if text is None:
        return None, None
    match = _RESOLUTION.fullmatch(text)
    if match is None:
        raise NotAPlaylist(f"{text!r:.60} is no resolution")
    return int(match[1]), int(match[2])


def yes(attributes: Mapping[str, str], name: str) -> bool:
    """An attribute that is YES; anything else, and absence, is NO."""
    return attributes.get(name) == "YES"


def parse_seconds(text: str) -> int:
    """Decimal seconds to ticks, to the nearest one, without a detour over binary fractions.

    Raises:
        NotAPlaylist: it is no number of seconds.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise NotAPlaylist(f"{text!r:.60} is no number of seconds")
    fraction = match[2] or ""
    scale: int = 10 ** len(fraction)
    scaled = int(match[1] + fraction) * ticks.TICKS_PER_SECOND
    return (2 * scaled + scale) // (2 * scale)


def render_seconds(duration: int) -> str:
    """Ticks to decimal seconds with five places: the fewest that give every tick back."""
    hundred_thousandths = (duration * 10 + 4) // 9
    return f"{hundred_thousandths // 100_000}.{hundred_thousandths % 100_000:05d}"


def parse_instant(text: str) -> int:
    """An ISO 8601 instant to ticks since the epoch; one without a time zone is taken as UTC.

    Raises:
        NotAPlaylist: it is no instant, or lies before 1970 or beyond what every JSON reader reads exactly.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as err:
        raise NotAPlaylist(f"{text!r:.60} is no ISO 8601 date and time") from err
    since_epoch = ticks.from_datetime(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    if not 0 <= since_epoch < _INSTANT_MAX:
        raise NotAPlaylist(f"{text!r:.60} is out of range")
    return since_epoch


def render_instant(instant: int) -> str:
    """Ticks since the epoch as ISO 8601: to the millisecond where that is exact, else to the microsecond."""
    if instant % TICKS_PER_MILLISECOND == 0:
        return ticks.to_iso8601(instant)
    microseconds = (instant * 100 + 4) // 9
    return ticks.to_iso8601(microseconds // 1_000 * TICKS_PER_MILLISECOND)[:-1] + f"{microseconds % 1_000:03d}Z"
