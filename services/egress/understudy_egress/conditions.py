"""What request headers ask for: an encoding, a newer version only, a part only (RFC 9110, 12.5.3, 13.1, 14)."""

from __future__ import annotations

import re

_RANGE = re.compile(rb"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*")
_ENTITY_TAG = re.compile(rb'(?:W/)?("[^"]*")')
_REMEMBERED_MAX = 512
_REMEMBERED_SIZE_MAX = 256

_accepts_gzip: dict[bytes, bool] = {}


def accepts_gzip(accept_encoding: bytes | None) -> bool:
    """Whether a client takes gzip. Clients say it in few different ways, so the answers are remembered."""
    if accept_encoding is None:
        return False
    if len(accept_encoding) > _REMEMBERED_SIZE_MAX:
        return _parse_accept_encoding(accept_encoding)
    known = _accepts_gzip.get(accept_encoding)
    if known is None:
        if len(_accepts_gzip) >= _REMEMBERED_MAX:
            _accepts_gzip.clear()
        known = _accepts_gzip[accept_encoding] = _parse_accept_encoding(accept_encoding)
    return known


def _parse_accept_encoding(value: bytes) -> bool:
    wanted: dict[bytes, bool] = {}
    for item in value.lower().split(b","):
        coding, *parameters = (part.strip() for part in item.split(b";"))
        refused = any(
            name.strip() == b"q" and not weight.strip(b" \t0.")
            for name, _, weight in (parameter.partition(b"=") for parameter in parameters)
        )
        wanted[coding] = not refused
    return wanted.get(b"gzip", wanted.get(b"x-gzip", wanted.get(b"*", False)))


def is_not_modified(if_none_match: bytes | None, etag: bytes) -> bool:
    """Whether the client has this representation already."""
    if if_none_match is None:
        return False
    if if_none_match == etag:
        return True
    return if_none_match.strip() == b"*" or etag.removeprefix(b"W/") in _ENTITY_TAG.findall(if_none_match)


class RangeNotSatisfiable(Exception):
    """The range begins behind the end."""


def requested_range(
    range_header: bytes | None, *, if_range: bytes | None, etag: bytes, size: int
) -> tuple[int, int] | None:
    """``(start, end)`` of the part asked for, ``end`` exclusive; None for the whole.

    Several ranges, other units and malformed ones are answered with the whole, as RFC 9110 allows; so is a range of a
    version that is not this one.

    Raises:
        RangeNotSatisfiable: there is nothing of it.
    """
    if range_header is None or (if_range is not None and if_range.strip() != etag):
        return None
    match = _RANGE.fullmatch(range_header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        if not length or not size:
            raise RangeNotSatisfiable
        return max(0, size - length), size
    start = int(match[1])
    end = min(size, int(match[2]) + 1) if match[2] else size
    if match[2] and int(match[2]) < start:
        return None
    if start >= size:
        raise RangeNotSatisfiable
    return start, end
