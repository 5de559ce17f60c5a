"""Two encoders end regularly: the output ends, can be played to its end, and is live again when they come back.

One run, of which the tests look at what was seen.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from support import plain_http
from support.browser import BrowserPlayer, MissingProgram, PlayerReport, ProbePlayer, ProbeReport
from support.control import Control, CreatedEndpoint
from support.deadline import eventually
from support.encoder import START_SECONDS, Encoder, next_boundary
from support.frame_source import FRAMES_PER_SECOND
from support.hls_reader import MediaPlaylist, read_media_playlist, read_multivariant_playlist
from support.programme import Programme, decode_programme
from support.stack import Stack
from support.watcher import Watcher

pytestmark = pytest.mark.takes(seconds=80)

ENDPOINTS = {"2s": (2, 0), "6s": (6, 0), "2s-delayed": (2, 4)}
"""By name: segment duration and time delay, seconds."""
SILENCE_SECONDS = {"2s": 9, "6s": 21, "2s-delayed": 9}
"""Three target durations."""
LIVE_SECONDS = 17
"""Of which the last segment has one: it is a short one."""
SLACK_SECONDS = 4
each_endpoint = pytest.mark.parametrize("name", list(ENDPOINTS))


@dataclass
class EndedRun:
    """What happened, and what was seen of it."""

    endpoints: dict[str, CreatedEndpoint] = field(default_factory=dict)
    watchers: dict[str, Watcher] = field(default_factory=dict)
    last_frame_at: float = 0.0
    ended_at: float = 0.0
    """When both encoders had ended."""
    output_ended_at: dict[str, float] = field(default_factory=dict)
    ended: dict[str, MediaPlaylist] = field(default_factory=dict)
    """What ended playlists listed."""
    programmes: dict[str, Programme] = field(default_factory=dict)
    """All that was watched until then."""
    browser: PlayerReport | MissingProgram | None = None
    probe: ProbeReport | MissingProgram | None = None
    refusal: str = ""
    """What `understudy end` said while an input delivered."""
    taken: str = ""
    """What it said when none did any more."""
    ended_again: dict[str, MediaPlaylist] = field(default_factory=dict)
    """The playlists after that."""
    live_again: dict[str, MediaPlaylist] = field(default_factory=dict)
    """The playlists once two more segments were listed."""


@pytest.fixture(scope="module")
def run(stack: Stack, control: Control, encoder_logs: Path) -> Iterator[EndedRun]:
    """The run, once for all tests of this module."""
    with contextlib.ExitStack() as cleanup:
        yield _play(stack, control, encoder_logs, cleanup)


def _play(stack: Stack, control: Control, logs: Path, cleanup: contextlib.ExitStack) -> EndedRun:
    run = EndedRun()
    channel = control.create_channel("ending")
    for name, (segment, delay) in ENDPOINTS.items():
        endpoint = control.create_endpoint(f"ending-{name}", channel, segment_seconds=segment, time_delay_seconds=delay)
        run.endpoints[name] = endpoint
        run.watchers[name] = Watcher(name, endpoint.url, may_end=True)
        run.watchers[name].start()
        cleanup.callback(run.watchers[name].stop)
    encoders = [Encoder(f"ending-{input_id}", channel.inputs[input_id - 1], log_directory=logs) for input_id in (1, 2)]
    first_frame = next_boundary(time.time() + START_SECONDS)
    run.last_frame_at = (first_frame + LIVE_SECONDS * FRAMES_PER_SECOND - 1) / FRAMES_PER_SECOND
    for encoder in encoders:
        cleanup.callback(encoder.close)
        encoder.start(first_frame=first_frame, frames=LIVE_SECONDS * FRAMES_PER_SECOND)
    eventually(lambda: bool(run.watchers["2s"].segments()), within_seconds=20, what="a segment")
    browser = _browser(run.endpoints["2s"].url, cleanup)
    for encoder in encoders:
        encoder.wait_until_ended(within_seconds=LIVE_SECONDS + 10)
    run.ended_at = time.time()
    for name in ENDPOINTS:
        within = run.ended_at + SILENCE_SECONDS[name] + ENDPOINTS[name][1] + SLACK_SECONDS - time.time()
        eventually(partial(_has_ended, run, name), within_seconds=within, what=f"{name} ends")
        run.output_ended_at[name] = time.time()
        run.ended[name] = _playlist(run, name)
        run.programmes[name] = decode_programme(run.watchers[name])
    run.probe = _probe(run.endpoints["2s"].url, logs)
    run.browser = browser if isinstance(browser, MissingProgram) else browser.finish()
    _go_on(run, encoders, stack)
    return run


def _has_ended(run: EndedRun, name: str) -> bool:
    return _playlist(run, name).ended


def _go_on(run: EndedRun, encoders: list[Encoder], stack: Stack) -> None:
    """The encoders come back, and are killed."""
    for encoder in encoders:
        encoder.start()
    for name in ENDPOINTS:
        known = run.ended[name].segments[-1].media_sequence

        def goes_on(name: str = name, known: int = known) -> bool:
            playlist = _playlist(run, name)
            return not playlist.ended and playlist.segments[-1].media_sequence >= known + 2

        eventually(goes_on, within_seconds=40, what=f"{name} is live again")
        run.live_again[name] = _playlist(run, name)
    for encoder in encoders:
        encoder.kill()
    run.refusal = _understudy_end(stack)
    eventually(partial(_order_end, run, stack), within_seconds=25, what="the order is taken")
    for name in ENDPOINTS:
        eventually(partial(_has_ended, run, name), within_seconds=15, what=f"{name} ends by order")
        run.ended_again[name] = _playlist(run, name)
    for watcher in run.watchers.values():
        watcher.stop()


def _order_end(run: EndedRun, stack: Stack) -> bool:
    run.taken = _understudy_end(stack)
    return "still delivering" not in run.taken


def _understudy_end(stack: Stack) -> str:
    """`understudy end`, as an operator enters it."""
    command = [sys.executable, "-m", "understudy_local", "end", "ending", "--data-dir", str(stack.data_directory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def _playlist(run: EndedRun, name: str) -> MediaPlaylist:
    url = run.endpoints[name].url
    (media,) = read_multivariant_playlist(plain_http.get(url, timeout=10).text, url=url)
    return read_media_playlist(plain_http.get(media, timeout=10).text, url=media)


def _browser(url: str, cleanup: contextlib.ExitStack) -> BrowserPlayer | MissingProgram:
    try:
        browser = BrowserPlayer(url)
    except MissingProgram as err:
        return err
    cleanup.callback(browser.close)
    browser.wait_until_playing()
    return browser


def _probe(url: str, logs: Path) -> ProbeReport | MissingProgram:
    try:
        probe = ProbePlayer(url, directory=logs / "ended")
    except MissingProgram as err:
        return err
    try:
        return probe.read_to_the_end(within_seconds=20)
    finally:
        probe.close()


@each_endpoint
def test_the_output_ends_three_target_durations_after_its_encoders(run: EndedRun, name: str) -> None:
    # FFmpeg sends its last playlist a moment after the last frame, and ends a moment later.
    took = run.output_ended_at[name] - run.last_frame_at
    print(f"{name} ended {took:.2f} s after its last frame")
    assert SILENCE_SECONDS[name] <= took


@each_endpoint
def test_every_frame_is_in_it_to_the_last(run: EndedRun, name: str) -> None:
    programme = run.programmes[name]
    assert programme.problems() == []
    assert programme.last_frame - programme.first_frame == LIVE_SECONDS * FRAMES_PER_SECOND - 1
    assert len(run.ended[name].segments) == len(programme.watched)


def test_ffprobe_reads_the_whole_of_it_and_comes_to_its_end(run: EndedRun) -> None:
    if isinstance(run.probe, MissingProgram):
        run.probe.skip()
    assert run.probe is not None
    assert run.probe.problems == []
    assert run.probe.pictures == LIVE_SECONDS * FRAMES_PER_SECOND


def test_hls_js_plays_it_to_its_end(run: EndedRun) -> None:
    if isinstance(run.browser, MissingProgram):
        run.browser.skip()
    assert run.browser is not None
    assert run.browser.ended_at is not None, run.browser.errors
    assert run.browser.duration_seconds == pytest.approx(LIVE_SECONDS, abs=0.5)
    assert not [error for error in run.browser.errors if error["fatal"]]
    assert run.browser.complaints == []


@each_endpoint
def test_it_is_live_again_with_the_next_number_and_one_discontinuity(run: EndedRun, name: str) -> None:
    before, after = run.ended[name].segments[-1], run.live_again[name]
    assert not after.ended
    (later,) = [one for one in after.segments if one.media_sequence == before.media_sequence + 1]
    assert later.is_discontinuous
    assert sum(one.is_discontinuous for one in after.segments) == 1
    assert run.watchers[name].problems == [], run.watchers[name].describe()


def test_encoders_that_crash_end_nothing_until_an_operator_says_so(run: EndedRun) -> None:
    assert "still delivering" in run.refusal
    for name in ENDPOINTS:
        assert f"ending-{name} has ended" in run.taken
        assert run.ended_again[name].ended
        assert run.ended_again[name].segments[-1].media_sequence > run.ended[name].segments[-1].media_sequence
