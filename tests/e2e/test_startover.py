"""Viewers who come late watch from the start, across a failover, and again when the programme is over.

One run: encoder 1 dies in the middle of the window, egress when the window is over. Index pages have 16 slots here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from support import plain_http
from support.browser import BrowserPlayer, MissingProgram, PlayerReport, ProbePlayer, ProbeReport
from support.control import Control, CreatedEndpoint
from support.deadline import eventually
from support.encoder import START_SECONDS, Encoder, next_boundary
from support.frame_source import FRAMES_PER_SECOND
from support.hls_reader import read_media_playlist, read_multivariant_playlist
from support.stack import Stack

pytestmark = pytest.mark.takes(seconds=75)

SEGMENT_SECONDS = 2
SLOTS = 14
"""In the window."""
WATCHED_SLOTS = 5
"""In the part of it that a browser plays: about the failover."""
LIVE_SECONDS = 38
KILLED_AFTER_SECONDS = 13


@dataclass
class Watched:
    """What was seen of the window."""

    endpoint: CreatedEndpoint
    grown: list[str] = field(default_factory=list)
    """The media playlist, each time that it was another one."""
    over: str = ""
    """From an egress that has just started."""
    live: str = ""
    reasons: dict[str, int] = field(default_factory=dict)
    probe: ProbeReport | MissingProgram | None = None
    browser: PlayerReport | MissingProgram | None = None
    children: dict[str, str] = field(default_factory=dict)
    """By form of URL: the media playlist that the multivariant one leads to."""


@pytest.fixture(scope="module")
def watched(stack: Stack, control: Control, encoder_logs: Path) -> Iterator[Watched]:
    """The run, once for all tests of this module."""
    with contextlib.ExitStack() as cleanup:
        yield _watch(stack, control, encoder_logs, cleanup)


def _watch(stack: Stack, control: Control, logs: Path, cleanup: contextlib.ExitStack) -> Watched:
    channel = control.create_channel("startover")
    endpoint = control.create_endpoint("startover", channel, segment_seconds=SEGMENT_SECONDS, window_seconds=8)
    control.client.update_origin_endpoint(Id=endpoint.id, StartoverWindowSeconds=3600)
    encoders = [Encoder(f"startover-{one}", channel.inputs[one - 1], log_directory=logs) for one in (1, 2)]
    first_frame = next_boundary(time.time() + START_SECONDS)
    for encoder in encoders:
        cleanup.callback(encoder.close)
        encoder.start(first_frame=first_frame, frames=LIVE_SECONDS * FRAMES_PER_SECOND)
    watched = Watched(endpoint)
    begin = first_frame // FRAMES_PER_SECOND
    start, end = _window(begin, first_slot=1, slots=SLOTS)
    window = f"start/{start}/end/{end}/"
    base, _, name = endpoint.url.rpartition("/")
    media = f"{base}/{window}{name.replace('.m3u8', '_v1.m3u8')}"
    killed = False
    deadline = time.time() + LIVE_SECONDS + 20
    while time.time() < deadline and not (watched.grown and "#EXT-X-ENDLIST" in watched.grown[-1]):
        answer = plain_http.get(media, timeout=10)
        if answer.status_code == 200 and watched.grown[-1:] != [answer.text]:
            watched.grown.append(answer.text)
        if not killed and time.time() > begin + KILLED_AFTER_SECONDS:
            encoders[0].kill()
            killed = True
        time.sleep(0.2)  # how often a viewer looks
    eventually(lambda: _pages(stack) > 0, within_seconds=30, what="an index page is made")
    os.kill(stack.processes()["egress"], signal.SIGKILL)
    watched.over = eventually(lambda: _text(media), within_seconds=20, what="egress is back")
    watched.live = _text(endpoint.url.replace(".m3u8", "_v1.m3u8"))
    watched.reasons = control.decisions(endpoint)
    for form in (f"{base}/{window}{name}", f"{endpoint.url}?start={start}&end={end}"):
        (child,) = read_multivariant_playlist(_text(form), url=form)
        watched.children[form] = _text(child)
    watched.probe = _probe(media, logs)
    part = _window(begin, first_slot=4, slots=WATCHED_SLOTS)
    watched.browser = _browser(f"{endpoint.url}?start={part[0]}&end={part[1]}")
    return watched


def _window(begin: int, *, first_slot: int, slots: int) -> tuple[int, int]:
    """From within a slot to within another: FFmpeg dates its pictures by when it read the first, not by the epoch."""
    start = begin + first_slot * SEGMENT_SECONDS
    return start + 1, start + slots * SEGMENT_SECONDS - 1


def _text(url: str) -> str:
    try:
        answer = plain_http.get(url, timeout=10)
    except httpx.TransportError:
        return ""
    return answer.text if answer.status_code == 200 else ""


def _pages(stack: Stack) -> int:
    answer = plain_http.get(f"{stack.service_url('controller')}/metrics", timeout=10)
    return sum(
        int(float(line.split()[1]))
        for line in answer.text.splitlines()
        if line.startswith("understudy_index_pages_total ")
    )


def _probe(url: str, logs: Path) -> ProbeReport | MissingProgram:
    try:
        probe = ProbePlayer(url, directory=logs / "startover-probe")
    except MissingProgram as missing:
        return missing
    with contextlib.closing(probe):
        return probe.read_to_the_end(within_seconds=30)


def _browser(url: str) -> PlayerReport | MissingProgram:
    try:
        browser = BrowserPlayer(url)
    except MissingProgram as missing:
        return missing
    with contextlib.closing(browser):
        browser.wait_until_playing()
        time.sleep(WATCHED_SLOTS * SEGMENT_SECONDS + 3)  # plays in real time, and reports when it is told to stop
        return browser.finish()


def test_the_window_grows_from_its_start_and_loses_nothing(watched: Watched) -> None:
    assert len(watched.grown) >= SLOTS
    before: list[str] = []
    for text in watched.grown:
        lines = [line for line in text.splitlines() if not line.startswith("#EXT-X-PLAYLIST-TYPE")]
        assert lines[: len(before)] == before
        before = [line for line in lines if line != "#EXT-X-ENDLIST"]
    assert all("#EXT-X-PLAYLIST-TYPE:EVENT\n" in text for text in watched.grown[:-1])
    first = read_media_playlist(watched.grown[0], url=watched.endpoint.url)
    assert first.segments[0].media_sequence == 1


def test_it_is_over_at_its_end_with_a_failover_in_it(watched: Watched) -> None:
    assert "#EXT-X-PLAYLIST-TYPE:VOD\n" in watched.grown[-1]
    playlist = read_media_playlist(watched.grown[-1], url=watched.endpoint.url)
    assert [one.media_sequence for one in playlist.segments] == list(range(1, SLOTS + 1))
    assert watched.reasons.get("failover", 0) + watched.reasons.get("repair", 0) >= 1, watched.reasons
    assert "#EXT-X-GAP" not in watched.grown[-1]
    live = read_media_playlist(watched.live, url=watched.endpoint.url)
    assert live.segments[0].media_sequence > 1, "the live playlist has gone on"


def test_an_egress_that_has_just_started_shows_the_same_out_of_pages(watched: Watched) -> None:
    assert watched.over == watched.grown[-1]


def test_both_forms_of_url_lead_to_the_same_segments(watched: Watched) -> None:
    in_path, in_query = watched.children.values()
    assert in_path == watched.over
    assert in_query == in_path.replace("../../../../", "")


def test_ffprobe_reads_it_from_start_to_end(watched: Watched) -> None:
    if isinstance(watched.probe, MissingProgram):
        pytest.skip(str(watched.probe))
    assert watched.probe is not None
    assert watched.probe.problems == []
    assert watched.probe.pictures == SLOTS * SEGMENT_SECONDS * FRAMES_PER_SECOND


def test_a_browser_plays_it_from_start_to_end(watched: Watched) -> None:
    if isinstance(watched.browser, MissingProgram):
        pytest.skip(str(watched.browser))
    report = watched.browser
    assert report is not None
    assert report.errors == []
    assert report.playing_since is not None, report
    assert report.ended_at is not None, report
    assert report.duration_seconds == pytest.approx(WATCHED_SLOTS * SEGMENT_SECONDS, abs=0.1)
    assert report.samples[0]["position"] < 1
