"""HARVEST: a window of an origin endpoint that is written as a VOD asset into a bucket, one record a job.

All of a job stands in one key, so that one compare-and-set guards it: who works at it, how far that has come, what it
came to. What becomes of a job follows from its record and from PROGRAM alone, whoever works at it and however often
another one takes over: the endpoint is kept as it was when the job was made, and which slots belong to the asset is
written down (``plan``) before the first byte is copied. So whoever was given up and goes on all the same writes the
bytes that its successor writes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from understudy_domain import ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.codec import record

WINDOW_MAX: Final = ticks.from_seconds(24 * 3600)
"""The longest window, ticks: MediaPackage's own limit."""
MANIFEST_SUFFIX: Final = ".m3u8"
OBJECT_KEY_BYTES_MAX: Final = 1_024
"""S3's limit."""
_PATIENCE: Final = ticks.from_seconds(48 * 3600)
"""Longer than any time delay that is raised meanwhile, and any copying."""
FRUITLESS_MAX: Final = 10
"""After so many fruitless attempts in a row a job fails: it may be what harvesters die of."""
_GUID_DIGITS: Final = 8
_PIN_SLACK: Final = ticks.from_seconds(60)
"""A slot of which a part lies in a window begins up to half a minute earlier, and clocks differ by some seconds."""


class HarvestStatus(StrEnum):
    """What a job came to, in MediaPackage's words."""

    IN_PROGRESS = "IN_PROGRESS"
    """It waits for the end of its window, for a harvester, or is being worked at."""
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class HarvestDestination:
    """Where the asset goes."""

    bucket_name: str
    manifest_key: str
    """Of the multivariant playlist; everything else lies in a folder beside it."""
    role_arn: str
    """Kept for whoever asks; of no effect here: a harvester has credentials of its own."""


@dataclass(frozen=True, slots=True)
class HarvestPlan:
    """Which slots and renditions the asset consists of: written once, and never changed."""

    first_sequence: int
    """Media sequence of its first slot."""
    last_sequence: int
    """Of its last one."""
    renditions: tuple[str, ...]
    """Those that the multivariant playlist offers."""
    segments: int
    """In all of them together, gaps not counted."""
    bytes: int
    """Of these segments."""
    note: str = ""
    """By how much the asset is shorter than the window; empty where it is not."""


@dataclass(frozen=True, slots=True)
class HarvestProgress:
    """How far a job has come."""

    stored_up_to: int
    """Media sequence: all segments of this slot and of those before it are stored."""
    segments: int
    """How many these are."""
    bytes: int


@record("harvest.job")
@dataclass(frozen=True, slots=True)
class HarvestJob:
    """A harvest job."""

    id: str
    guid: str
    origin_endpoint: OriginEndpoint
    """As it was when the job was made, without what the job does not need."""
    start: int
    """Slots that begin from here on, ticks since the epoch."""
    end: int
    """And before this."""
    destination: HarvestDestination
    created_at: int
    """Ticks since the epoch."""
    status: HarvestStatus = HarvestStatus.IN_PROGRESS
    plan: HarvestPlan | None = None
    """None until the window is over."""
    progress: HarvestProgress | None = None
    """None until the first slot is stored."""
    message: str = ""
    """Why it failed; what it waits for; or what is missing from an asset that was made all the same."""
    holder: str | None = None
    """Who works at it: one harvester's one attempt."""
    attempts: int = 0
    """How often somebody began to work at it."""
    fruitless: int = 0
    """How many of the last ones who did died of it or lost it, one after the other, before it had come any further."""
    ended_at: int | None = None
    """When it succeeded or failed, ticks since the epoch."""
    told: bool = False
    """Its event stands in EVENTS."""

    @property
    def is_done(self) -> bool:
        """Nothing is left to do."""
        return self.status is not HarvestStatus.IN_PROGRESS

    @property
    def is_due_at(self) -> int:
        """When all of its window should have been available, ticks since the epoch: not before it is it worked at."""
        return self.end + self.origin_endpoint.time_delay

    @property
    def deadline(self) -> int:
        """When it fails unless it is done, ticks since the epoch: what it needs is kept until then."""
        return self.is_due_at + _PATIENCE

    @property
    def folder(self) -> str:
        """The name of the folder beside the multivariant playlist that holds everything else.

        Another job's is another one, of the same id too. So an asset replaces an older one under the same key at once,
        when its multivariant playlist is written.
        """
        return f"{self.id}-{self.guid[:_GUID_DIGITS]}"

    @property
    def asset_prefix(self) -> str:
        """What the keys of all objects of the asset but the multivariant playlist begin with."""
        directory, slash, _ = self.destination.manifest_key.rpartition("/")
        return f"{directory}{slash}{self.folder}/"

    @property
    def asset_endpoint(self) -> OriginEndpoint:
        """The endpoint by which the asset's playlists are rendered, as seen from the multivariant playlist."""
        endpoint = self.origin_endpoint
        return replace(endpoint, manifest_name=f"{self.folder}/{endpoint.manifest_name}")


def job_endpoint(endpoint: OriginEndpoint) -> OriginEndpoint:
    """As much of an endpoint as a job keeps."""
    return replace(endpoint, whitelist=(), tags={}, description="")


def reaching_back_to(endpoint: OriginEndpoint, since: int, *, now: int) -> OriginEndpoint:
    """An endpoint whose startover window reaches back to ``since`` at least; instants are ticks since the epoch."""
    needed = -(-(now - since + _PIN_SLACK) // ticks.TICKS_PER_SECOND)
    if needed <= endpoint.startover_window_seconds:
        return endpoint
    return replace(endpoint, startover_window_seconds=max(needed, endpoint.time_delay_seconds + 1))
