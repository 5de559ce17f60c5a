"""The paths of input URLs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from understudy_domain.errors import MalformedKey
from understudy_domain.keys.identifiers import GUID, RESOURCE_ID

_SAFE_SEGMENT = re.compile(r"[^\x00-\x1f\x7f\\]+")


def ingest_url_path(channel_guid: str, ingest_guid: str) -> str:
    """The path of an input URL, as MediaPackage forms it; the parent playlist is at this plus ``.m3u8``."""
    return f"/in/v2/{channel_guid}/{ingest_guid}/channel"


@dataclass(frozen=True, slots=True)
class IngestPath:
    """A parsed path under an input URL; ``name`` is the encoder's own name, with its folders."""

    channel_guid: str
    ingest_guid: str
    name: str

    @property
    def folder(self) -> str:
        """What the paths of the same input begin with."""
        return f"/in/v2/{self.channel_guid}/{self.ingest_guid}/"


@dataclass(frozen=True, slots=True)
class OldIngestPath:
    """A parsed path in the form that MediaPackage had before there were two inputs: it means input 1."""

    channel_id: str
    name: str

    @property
    def folder(self) -> str:
        """What the paths of the same input begin with, in this form."""
        return f"/in/v1/{self.channel_id}/"


def parse_ingest_path(path: str) -> IngestPath | OldIngestPath:
    """The parts of a decoded (not percent-encoded) request path below ``/in/v2/`` or ``/in/v1/``.

    Raises:
        MalformedKey: another path, or a name that is empty, climbs (``..``) or holds control characters.
    """
    match path.split("/", 5):
        case ["", "in", "v2", channel, ingest, name] if GUID.fullmatch(channel) and GUID.fullmatch(ingest):
            return IngestPath(channel, ingest, _file_name(name))
        case ["", "in", "v1", channel, *names] if RESOURCE_ID.fullmatch(channel) and names:
            return OldIngestPath(channel, _file_name("/".join(names)))
        case _:
            raise MalformedKey(
                "an input URL is /in/v2/<channel>/<ingest endpoint>/<file>, or /in/v1/<channel id>/<file>"
            )


def _file_name(name: str) -> str:
    parts = name.split("/")
    if len(name) <= 1024 and all(_SAFE_SEGMENT.fullmatch(part) and part not in (".", "..") for part in parts):
        return name
    raise MalformedKey(f"not a file name an input URL accepts: {name!r:.200}")
