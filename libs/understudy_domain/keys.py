"""Names on the wire: streams, subjects, buckets, KV keys, object keys and URL paths, each built and parsed here only.

Guids (32 hex digits) name channels and origin endpoints everywhere but in the control API: an id that is deleted and
created again is another channel, and must not meet the first one's messages or media.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Final

from understudy_domain.errors import MalformedKey

ARRIVALS_STREAM: Final = "ARRIVALS"
PROGRAM_STREAM: Final = "PROGRAM"
EVENTS_STREAM: Final = "EVENTS"
CONFIG_BUCKET: Final = "CONFIG"
ACTIVE_INPUT_BUCKET: Final = "ACTIVE_INPUT"
LEASES_BUCKET: Final = "LEASES"
SNAPSHOTS_BUCKET: Final = "SNAPSHOTS"
HARVEST_BUCKET: Final = "HARVEST"
DECLARED_BUCKET: Final = "DECLARED"
"""What each controller's file declares, for as long as it says so again: by a name of the process."""

ARRIVALS_SUBJECTS: Final = "arrivals.>"
PROGRAM_SUBJECTS: Final = "program.>"
EVENTS_SUBJECTS: Final = "events.>"

INPUTS: Final = (1, 2)

RESOURCE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
GUID: Final = re.compile(r"[0-9a-f]{32}")

_SAFE_SEGMENT = re.compile(r"[^\x00-\x1f\x7f\\]+")


def shard_of(channel_guid: str, *, shards: int) -> int:
    """The shard a channel's messages travel in, 0 to ``shards`` - 1; the same in every program and release."""
    return zlib.crc32(channel_guid.encode()) % shards


# --- subjects ---------------------------------------------------------------------------------------------------------


def arrivals_subject(shard: int, channel_guid: str, input_id: int) -> str:
    """Where ingest publishes the facts of one input."""
    return f"arrivals.{shard}.{channel_guid}.{input_id}"


def command_subject(shard: int, channel_guid: str) -> str:
    """Where policies and operators' commands for one channel enter the log."""
    return f"arrivals.{shard}.{channel_guid}.command"


def clock_subject(shard: int) -> str:
    """Where a shard's ticks go."""
    return f"arrivals.{shard}.clock"


def arrivals_filter(shard: int) -> str:
    """All that one shard's decisions depend on."""
    return f"arrivals.{shard}.>"


@dataclass(frozen=True, slots=True)
class ArrivalsSubject:
    """A parsed ARRIVALS subject; ``channel_guid`` is None for a tick, ``input_id`` None for a tick or a command."""

    shard: int
    channel_guid: str | None
    input_id: int | None


def parse_arrivals_subject(subject: str) -> ArrivalsSubject:
    """The parts of an ARRIVALS subject.

    Raises:
        MalformedKey: it is none.
    """
    match subject.split("."):
        case ["arrivals", shard, "clock"] if shard.isdecimal():
            return ArrivalsSubject(int(shard), None, None)
        case ["arrivals", shard, guid, "command"] if shard.isdecimal() and GUID.fullmatch(guid):
            return ArrivalsSubject(int(shard), guid, None)
        case ["arrivals", shard, guid, ("1" | "2") as input_id] if shard.isdecimal() and GUID.fullmatch(guid):
            return ArrivalsSubject(int(shard), guid, int(input_id))
        case _:
            raise MalformedKey(f"not an arrivals subject: {subject!r:.200}")


def channel_arrivals_filter(shard: int, channel_guid: str) -> str:
    """All that one channel's decisions depend on, but for its shard's ticks."""
    return f"arrivals.{shard}.{channel_guid}.>"


def program_subject(shard: int, origin_endpoint_guid: str) -> str:
    """Where the entries of one origin endpoint stand, one message a slot."""
    return f"program.{shard}.{origin_endpoint_guid}"


def program_filter(shard: int) -> str:
    """The entries of all origin endpoints of one shard."""
    return f"program.{shard}.*"


def parse_program_subject(subject: str) -> tuple[int, str]:
    """``(shard, origin endpoint guid)`` of a PROGRAM subject.

    Raises:
        MalformedKey: it is none.
    """
    match subject.split("."):
        case ["program", shard, guid] if shard.isdecimal() and GUID.fullmatch(guid):
            return int(shard), guid
        case _:
            raise MalformedKey(f"not a program subject: {subject!r:.200}")


EVENT_OF_INPUTS: Final = "inputs"
"""What an event is about that concerns both inputs of a channel."""
_EVENT_KIND = re.compile(r"[a-z_]{1,64}")


def event_subject(kind: str, channel_guid: str, about: str) -> str:
    """Where an event goes; ``about``: the guid of an origin endpoint, an input (``1``, ``2``), or ``inputs``."""
    return f"events.{kind}.{channel_guid}.{about}"


def events_filter(channel_guid: str | None = None) -> str:
    """All events, or those of one channel."""
    return EVENTS_SUBJECTS if channel_guid is None else f"events.*.{channel_guid}.>"


@dataclass(frozen=True, slots=True)
class EventSubject:
    """A parsed EVENTS subject; ``origin_endpoint_guid`` and ``input_id`` are None where it is not about one."""

    kind: str
    channel_guid: str
    origin_endpoint_guid: str | None
    input_id: int | None


def parse_event_subject(subject: str) -> EventSubject:
    """The parts of an EVENTS subject.

    Raises:
        MalformedKey: it is none.
    """
    match subject.split("."):
        case ["events", kind, channel, about] if _EVENT_KIND.fullmatch(kind) and GUID.fullmatch(channel):
            if GUID.fullmatch(about):
                return EventSubject(kind, channel, about, None)
            if about in ("1", "2"):
                return EventSubject(kind, channel, None, int(about))
            if about == EVENT_OF_INPUTS:
                return EventSubject(kind, channel, None, None)
        case _:
            pass
    raise MalformedKey(f"not an event's subject: {subject!r:.200}")


# --- KV keys ----------------------------------------------------------------------------------------------------------


def channel_key(channel_id: str) -> str:
    """The CONFIG key of a channel."""
    return f"channel.{_resource_id(channel_id)}"


def origin_endpoint_key(origin_endpoint_id: str) -> str:
    """The CONFIG key of an origin endpoint."""
    return f"origin_endpoint.{_resource_id(origin_endpoint_id)}"


HARVEST_JOBS: Final = "job.*"
"""The HARVEST keys of all harvest jobs."""


def harvest_job_key(job_id: str) -> str:
    """The HARVEST key of a harvest job."""
    return f"job.{_resource_id(job_id)}"


def channel_snapshot_key(channel_guid: str) -> str:
    """The SNAPSHOTS key of what the decision core knows of a channel."""
    return f"channel.{channel_guid}"


def position_snapshot_key(shard: int) -> str:
    """The SNAPSHOTS key of how far a shard's log is contained in its channels' snapshots."""
    return f"position.{shard}"


def lease_key(shard: int) -> str:
    """The LEASES key of a shard: which controller decides for it."""
    return str(shard)


def replica_key(replica: str) -> str:
    """The LEASES key by which a controller says that it is there."""
    return f"replica.{replica}"


def parse_lease_key(key: str) -> int | str:
    """The shard of a shard's LEASES key, or the name of the replica of a replica's.

    Raises:
        MalformedKey: it is neither.
    """
    match key.split("."):
        case [shard] if shard.isdecimal():
            return int(shard)
        case ["replica", replica]:
            return replica
        case _:
            raise MalformedKey(f"not a key of the leases: {key!r:.200}")


def removed_channel_key(channel_guid: str) -> str:
    """The SNAPSHOTS key that says that what is left of a deleted channel is being removed."""
    return f"removed.{channel_guid}"


def channel_of_snapshot_key(key: str) -> str | None:
    """The channel (guid) that a SNAPSHOTS key is about; None for a shard's position."""
    match key.split("."):
        case ["channel" | "removed", guid] if GUID.fullmatch(guid):
            return guid
        case _:
            return None


def _resource_id(resource_id: str) -> str:
    if not RESOURCE_ID.fullmatch(resource_id):
        raise MalformedKey(f"an id has 1 to 256 of A-Z a-z 0-9 _ -, this is none: {resource_id!r:.80}")
    return resource_id


# --- ARNs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arns:
    """Names of resources as AWS's tools know them: of the guid, so that an id created again is another resource."""

    region: str
    account_id: str

    def channel(self, guid: str) -> str:
        """A channel's."""
        return self._of("channels", guid)

    def origin_endpoint(self, guid: str) -> str:
        """An origin endpoint's."""
        return self._of("origin_endpoints", guid)

    def harvest_job(self, guid: str) -> str:
        """A harvest job's."""
        return self._of("harvest_jobs", guid)

    def _of(self, kind: str, guid: str) -> str:
        return f"arn:aws:mediapackage:{self.region}:{self.account_id}:{kind}/{guid}"


# --- object keys ------------------------------------------------------------------------------------------------------


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


def index_pages_prefix(origin_endpoint_guid: str) -> str:
    """What the keys of all index pages of an origin endpoint begin with."""
    return f"index/{origin_endpoint_guid}/"


NEVER_RECEIVED: Final = 10**13 - 1
_PAGE_NUMBERS = 7
_INDEX_PAGE_KEY = re.compile(r"index/([0-9a-f]{32})/(\d{16})" + r"-(\d{1,16})" * (_PAGE_NUMBERS - 1) + r"\.page")


@dataclass(frozen=True, slots=True)
class IndexPageKey:
    """What the key of an index page says of it: enough to find an entry, and to know when the page may go.

    Every number follows from its entries, so the same entries have the same key. Instants are ms since the epoch, those
    at which something begins rounded down and those at which it ends rounded up.
    """

    origin_endpoint_guid: str
    first: int
    """Media sequence of its first entry."""
    last: int
    """Media sequence of its last entry."""
    begin_milliseconds: int
    """Program date time of its first entry."""
    end_milliseconds: int
    """Up to where the latest of its entries goes, program date time."""
    available_milliseconds: int
    """When the last of its entries becomes available."""
    decided_milliseconds: int
    """As of when its last entry was decided: later entries were stored later."""
    received_milliseconds: int
    """When the first of the objects that its entries name was received; ``NEVER_RECEIVED`` where they name none."""

    def render(self) -> str:
        """The key; pages sort by media sequence."""
        programme = f"{self.first:016d}-{self.last}-{self.begin_milliseconds}-{self.end_milliseconds}"
        kept = f"{self.available_milliseconds}-{self.decided_milliseconds}-{self.received_milliseconds}"
        return f"{index_pages_prefix(self.origin_endpoint_guid)}{programme}-{kept}.page"


def parse_index_page_key(key: str) -> IndexPageKey:
    """The parts of an index page's key.

    Raises:
        MalformedKey: it is none.
    """
    match = _INDEX_PAGE_KEY.fullmatch(key)
    if match is None:
        raise MalformedKey(f"not the key of an index page: {key!r:.200}")
    guid, *numbers = match.groups()
    return IndexPageKey(guid, *map(int, numbers))


# --- URL paths: ingest ------------------------------------------------------------------------------------------------


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


# --- URL paths: egress ------------------------------------------------------------------------------------------------


def multivariant_path(origin_endpoint_guid: str, manifest_name: str) -> str:
    """The path of an origin endpoint's multivariant playlist."""
    return f"/out/v1/{origin_endpoint_guid}/{manifest_name}.m3u8"


def media_playlist_name(manifest_name: str, rendition: str) -> str:
    """A media playlist's URI, relative to the multivariant playlist."""
    return f"{manifest_name}_{rendition}.m3u8"


def segment_name(rendition: str, media_sequence: int, *, rendering_version: int, suffix: str = "ts") -> str:
    """An output segment's URI, relative to either playlist.

    The rendering version stands in it so that a later release, which may join differently, never changes the bytes
    behind a published URI.
    """
    return f"r{rendering_version}/{rendition}/{media_sequence}.{suffix}"


@dataclass(frozen=True, slots=True)
class SegmentPath:
    """A parsed output segment path."""

    origin_endpoint_guid: str
    rendition: str
    media_sequence: int
    rendering_version: int
    suffix: str


# Without leading zeros: a segment has one path, not as many as somebody who wants to fill caches can write.
_SEGMENT_PATH = re.compile(
    r"/out/v1/([0-9a-f]{32})/r([1-9][0-9]{0,3})/([a-z0-9]{1,32})/(0|[1-9][0-9]{0,17})\.([a-z0-9]{1,8})"
)


def parse_segment_path(path: str) -> SegmentPath:
    """The parts of an output segment's path.

    Raises:
        MalformedKey: it is none.
    """
    match = _SEGMENT_PATH.fullmatch(path)
    if match is None:
        raise MalformedKey(f"not an output segment: {path!r:.200}")
    return SegmentPath(match[1], match[3], int(match[4]), int(match[2]), match[5])
