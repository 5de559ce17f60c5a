"""Renewing a media playlist of 600 segments: one entry comes, the window moves on by one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

from bench.context import Case, Context
from bench.result import Figure, Result, Run, at_most
from bench.rounds import median_of
from support.program_entries import make_endpoint, make_entry
from understudy_domain import ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.program import ProgramWindow
from understudy_egress.prepared import gzip_body, prepare_playlist

_SEGMENTS = 600
_SLOT_SECONDS = 2
_RENEWALS = 300
_RENDITION = "v1"


def _measure(context: Context) -> Result:
    runs = []
    for number in range(context.rounds):
        for name, interval in (("undated", 0), ("every segment dated", 1)):
            runs.append(Run(name, number, _renew(interval)))
    figures = [
        Figure("plain, a renewal", median_of(runs, "undated", "plain_microseconds"), "µs", at_most(10)),
        Figure(
            "plain, with caches that compressing left cold",
            median_of(runs, "undated", "cold_microseconds"),
            "µs",
            at_most(10),
        ),
        Figure("plain and gzipped, a renewal", median_of(runs, "undated", "gzipped_microseconds"), "µs", at_most(100)),
    ]
    for name in ("undated", "every segment dated"):
        figures += [
            Figure(f"{name}: taking an entry", median_of(runs, name, "entry_microseconds"), "µs"),
            Figure(f"{name}: joining the playlist", median_of(runs, name, "join_microseconds"), "µs"),
            Figure(f"{name}: gzip", median_of(runs, name, "gzip_microseconds"), "µs"),
            Figure(f"{name}: both with ETags and headers", median_of(runs, name, "prepare_microseconds"), "µs"),
            Figure(f"{name}: size", median_of(runs, name, "bytes"), "B"),
        ]
    return Result(CASE.name, CASE.title, tuple(figures), tuple(runs))


def _renew(date_interval_seconds: int) -> dict[str, float]:
    endpoint = make_endpoint(
        window_seconds=_SEGMENTS * _SLOT_SECONDS,
        segment_seconds=_SLOT_SECONDS,
        date_interval_seconds=date_interval_seconds,
    )
    duration = ticks.from_seconds(_SLOT_SECONDS)
    entries = [make_entry(number, slot_duration=duration) for number in range(2 * _SEGMENTS + 2 * _RENEWALS)]
    window = ProgramWindow(endpoint, entries[: 2 * _SEGMENTS])
    window.advance(now=entries[2 * _SEGMENTS - 1].available_at)
    spent: dict[str, list[float]] = {step: [] for step in ("append", "advance", "join", "gzip", "prepare", "cold")}

    def timed(step: str, work: Callable[[], object]) -> None:
        started = time.perf_counter()
        work()
        spent[step].append(time.perf_counter() - started)

    for entry in entries[2 * _SEGMENTS : -_RENEWALS]:
        # A fresh one, as it comes off the wire: nothing of it is remembered from another renewal.
        fresh: ProgramEntry = replace(entry)
        timed("append", lambda entry=fresh: window.append(entry))  # type: ignore[misc]
        timed("advance", lambda now=fresh.available_at: window.advance(now=now))  # type: ignore[misc]
        timed("join", lambda: window.media_playlist(_RENDITION))
    # Apart from the renewals: what compresses leaves cold caches to whatever comes next.
    text = window.media_playlist(_RENDITION)
    for _ in range(_RENEWALS):
        timed("gzip", lambda: gzip_body(text))
        timed("prepare", lambda: prepare_playlist(text, route="media_playlist"))
    # And together with it, as egress does it.
    for entry in entries[-_RENEWALS:]:
        window.append(replace(entry))
        started = time.perf_counter()
        window.advance(now=entry.available_at)
        text = window.media_playlist(_RENDITION)
        spent["cold"].append(time.perf_counter() - started)
        prepare_playlist(text, route="media_playlist")
    assert text.count(b"#EXTINF") == _SEGMENTS
    # The median: a renewal during which something else ran says nothing about renewals.
    micro = {step: median(seconds) * 1e6 for step, seconds in spent.items()}
    return {
        "entry_microseconds": micro["append"],
        "join_microseconds": micro["join"],
        "gzip_microseconds": micro["gzip"],
        "plain_microseconds": micro["advance"] + micro["join"],
        "gzipped_microseconds": micro["advance"] + micro["join"] + micro["gzip"],
        "prepare_microseconds": micro["prepare"],
        "cold_microseconds": micro["cold"],
        "bytes": len(text),
    }


CASE = Case("renewal", f"renewing a media playlist of {_SEGMENTS} segments", _measure)
