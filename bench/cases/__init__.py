"""The cases, in the order in which they are run and reported."""

from __future__ import annotations

from bench.cases import (
    consoles,
    core,
    decisions,
    latency,
    playlists,
    probe,
    renewal,
    segments,
    startover,
    storage_reads,
    takeover,
    uploads,
)
from bench.context import Case

CASES: tuple[Case, ...] = (
    playlists.FULL,
    playlists.NOT_MODIFIED,
    segments.CASE,
    startover.CASE,
    storage_reads.CASE,
    uploads.LARGE,
    uploads.SMALL,
    probe.CASE,
    renewal.CASE,
    latency.CASE,
    core.CASE,
    decisions.CASE,
    takeover.CASE,
    consoles.CASE,
)
