"""The keys of the objects that hold media."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from understudy_domain.errors import MalformedKey

OWN_FOLDERS: Final = ("media", "index")
"""What the keys of all objects of ours begin with, up to the first slash: what others write goes elsewhere."""


def media_object_key(channel_guid: str, input_id: int, *, received_milliseconds: int, upload: str, suffix: str) -> str:
    """The key of one uploaded segment: sorts by channel, input and arrival; ``upload`` makes it unique for ever.

    ``suffix`` is the file name's ending without the dot (``ts``); ``upload`` is lower-case hex.
    """
    return f"{media_prefix(channel_guid, input_id)}{received_milliseconds:013d}-{upload}.{suffix}"


def media_prefix(channel_guid: str, input_id: int | None = None) -> str:
    """What all media keys of a channel, or of one of its inputs, begin with."""
    return f"media/{channel_guid}/" if input_id is None else f"media/{channel_guid}/{input_id}/"


_MEDIA_KEY = re.compile(r"media/([0-9a-f]{32})/([12])/(\d{13})-([0-9a-f]+)\.([a-z0-9]+)")


@dataclass(frozen=True, slots=True)
class MediaObjectKey:
    """A parsed media object key."""

    channel_guid: str
    input_id: int
    received_milliseconds: int
    upload: str
    suffix: str


def parse_media_object_key(key: str) -> MediaObjectKey:
    """The parts of a media object key.

    Raises:
        MalformedKey: it is none.
    """
    match = _MEDIA_KEY.fullmatch(key)
    if match is None:
        raise MalformedKey(f"not a media object key: {key!r:.200}")
    return MediaObjectKey(match[1], int(match[2]), int(match[3]), match[4], match[5])


def received_milliseconds(object_key: str) -> int | None:
    """When a media object was received, ms since the epoch; None for another kind of key.

    Without taking the key apart: it is asked for every piece of every entry.
    """
    begin = len("media/") + 32 + len("/1/")
    digits = object_key[begin : begin + 13]
    is_one = object_key.startswith("media/") and object_key[begin + 13 : begin + 14] == "-"
    return int(digits) if is_one and digits.isdecimal() else None
