"""Pairs of live FFmpegs that are no perfect twins: what a change between them costs, and that it costs no more.

Each pair goes through the same: input 1 is killed, starts again with its numbering from the start, and when it has been
back for a while input 2 is killed. All pairs at once, a channel each.
"""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.browser import BrowserPlayer, MissingProgram, PlayerReport
from support.control import Control, CreatedChannel, CreatedEndpoint
from support.deadline import eventually
from support.encoder import SEGMENT_SECONDS, START_SECONDS, Encoder, Encoding, next_boundary
from support.frame_source import FRAMES_PER_SECOND, frame_at
from support.programme import Programme, Seam, decode_segments
from support.rehearsal import Row
from support.stack import Stack
from support.watcher import Watcher

pytestmark = pytest.mark.takes(seconds=110)

RENUMBERED = Encoding(first_number=0)
"""Epoch-locked but for the names, which begin anew with each start."""
WITH_B_FRAMES = Encoding(first_number=0, b_frames=2)
PLAIN = Encoding(heights=(180, 90), first_number=0, first_timestamp_seconds=10.0)
"""As FFmpeg does it when nobody asks for more: all numbers begin anew with each start."""

PAIRS = {
    "unaligned": (PLAIN, PLAIN),
    "renumbered": (RENUMBERED, RENUMBERED),
    "b-frames": (RENUMBERED, WITH_B_FRAMES),
}
OUT_OF_STEP_FRAMES = {"unaligned": 20}
"""By how much the second encoder cuts later than the first, by pair."""
RENDITIONS = {"unaligned": 3, "renumbered": 1, "b-frames": 1}
SEAMS = {"unaligned": 2, "renumbered": 0, "b-frames": 2}
"""How many discontinuities the two failovers cost."""
ENDPOINTS = {"4 s": (4, 0), "2 s, 3 s delay": (2, 3)}
"""Segment duration and time delay, seconds. None that an encoder of a busy machine fails, half a second late."""

PROOF_SECONDS = 5 * SEGMENT_SECONDS
"""From the start of the second encoder of a pair: all there is to be known of it is known by then."""
FAILOVER_SECONDS = 4 + 2 + 6
"""A kill at the start of a 4 s slot shows at its deadline; the rest is slack."""
BOUNDED_JUMP_SECONDS = SEGMENT_SECONDS / 2 + 0.7
"""Half a segment, since cuts differ, and what arrivals tell wrongly of where a session belongs."""

each_pair = pytest.mark.parametrize("pair", PAIRS)
each_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS)


@dataclass
class LivePair:
    """One channel with its two encoders, and what was seen of it."""

    channel: CreatedChannel
    encoders: list[Encoder]
    endpoints: dict[str, CreatedEndpoint] = field(default_factory=dict)
    watchers: dict[str, Watcher] = field(default_factory=dict)
    """By endpoint."""
    statuses: list[dict[str, Any]] = field(default_factory=list)
    """Of the channel: before the first kill, and before the second."""
    active_inputs: dict[str, list[int | None]] = field(default_factory=dict)
    """By endpoint: before the first kill, before the second, at the end."""

    def programmes(self, endpoint: str) -> list[Programme]:
        """What was shown, of each rendition."""
        watcher = self.watchers[endpoint]
        return [decode_segments(watcher.name, watched) for watched in watcher.renditions()]


@dataclass
class LiveRun:
    """What happened."""

    pairs: dict[str, LivePair] = field(default_factory=dict)
    killed_at: list[float] = field(default_factory=list)
    browser: PlayerReport | MissingProgram | None = None


@pytest.fixture(scope="module")
def run(stack: Stack, control: Control, encoder_logs: Path, rehearsal: Future[dict[str, Row]]) -> LiveRun:
    """The run, once for all tests of this module, beside the rehearsal of the worked examples."""
    happened = LiveRun()
    with contextlib.ExitStack() as cleanup:
        for name, encodings in PAIRS.items():
            happened.pairs[name] = _create(name, encodings, control, encoder_logs, cleanup)
        _play(happened, stack, control, cleanup)
    wait([rehearsal])  # so that it is alone with this run, whatever comes next
    return happened


def _create(
    name: str, encodings: tuple[Encoding, Encoding], control: Control, logs: Path, cleanup: contextlib.ExitStack
) -> LivePair:
    channel = control.create_channel(f"pair-{name}")
    encoders = []
    for number, (target, encoding) in enumerate(zip(channel.inputs, encodings, strict=True), start=1):
        encoders.append(Encoder(f"{name}-{number}", target, log_directory=logs, encoding=encoding))
        cleanup.callback(encoders[-1].close)
    pair = LivePair(channel, encoders)
    for endpoint, (seconds, delay) in ENDPOINTS.items():
        pair.endpoints[endpoint] = control.create_endpoint(
            f"pair-{name}-{seconds}", channel, segment_seconds=seconds, time_delay_seconds=delay
        )
        pair.watchers[endpoint] = Watcher(f"{name}, {endpoint}", pair.endpoints[endpoint].url)
        pair.watchers[endpoint].start()
        cleanup.callback(pair.watchers[endpoint].stop)
    return pair


def _play(run: LiveRun, stack: Stack, control: Control, cleanup: contextlib.ExitStack) -> None:
    first_frame = next_boundary(time.time() + START_SECONDS)
    # One segment later: which input every endpoint follows first is then no matter of milliseconds.
    second_frame = first_frame + SEGMENT_SECONDS * FRAMES_PER_SECOND
    for name, pair in run.pairs.items():
        pair.encoders[0].start(first_frame=first_frame)
        pair.encoders[1].start(first_frame=second_frame + OUT_OF_STEP_FRAMES.get(name, 0))
    browser = _start_browser(run, cleanup)
    _pace_until(second_frame / FRAMES_PER_SECOND + PROOF_SECONDS)
    if isinstance(browser, BrowserPlayer):
        browser.wait_until_playing()

    _note(run, stack, control)
    _kill(run, 1)
    _wait_for_active_input(run, control, 2)
    restarted = [pair.encoders[0].start() for pair in run.pairs.values()]
    _pace_until(max(restarted) / FRAMES_PER_SECOND + PROOF_SECONDS)

    _note(run, stack, control)
    _kill(run, 2)
    _wait_for_active_input(run, control, 1)
    seen = {watcher: len(watcher.renditions()[0]) for pair in run.pairs.values() for watcher in pair.watchers.values()}
    eventually(
        lambda: all(len(watcher.renditions()[0]) > count for watcher, count in seen.items()),
        within_seconds=15,
        what="one more segment everywhere",
    )
    _note(run, stack, control)
    run.browser = browser if isinstance(browser, MissingProgram) else browser.finish()
    for pair in run.pairs.values():
        assert pair.encoders[0].is_running, pair.encoders[0].log()


def _start_browser(run: LiveRun, cleanup: contextlib.ExitStack) -> BrowserPlayer | MissingProgram:
    watcher = run.pairs["unaligned"].watchers["2 s, 3 s delay"]
    eventually(
        lambda: len(watcher.renditions() or [()]) and sum(map(len, watcher.renditions())) > 6,
        within_seconds=30,
        what="a programme to play",
    )
    try:
        browser = BrowserPlayer(watcher.url)
    except MissingProgram as err:
        return err
    cleanup.callback(browser.close)
    return browser


def _kill(run: LiveRun, input_id: int) -> None:
    """All at once, in the middle of a segment."""
    _pace_until(next_boundary(time.time()) / FRAMES_PER_SECOND + 0.6 * SEGMENT_SECONDS)
    for pair in run.pairs.values():
        killed_at = pair.encoders[input_id - 1].kill()
    run.killed_at.append(killed_at)


def _wait_for_active_input(run: LiveRun, control: Control, input_id: int) -> None:
    endpoints = [endpoint for pair in run.pairs.values() for endpoint in pair.endpoints.values()]
    eventually(
        lambda: all(control.active_input(endpoint) == input_id for endpoint in endpoints),
        within_seconds=FAILOVER_SECONDS,
        what=f"every endpoint on input {input_id}",
    )


def _note(run: LiveRun, stack: Stack, control: Control) -> None:
    for pair in run.pairs.values():
        answer = httpx.get(f"{stack.api_url}/understudy/v1/channels/{pair.channel.id}/status", timeout=10)
        pair.statuses.append(answer.raise_for_status().json())
        for name, endpoint in pair.endpoints.items():
            pair.active_inputs.setdefault(name, []).append(control.active_input(endpoint))


def _pace_until(instant: float) -> None:
    """Let the encoders run on: they work in real time, there is nothing to poll for."""
    time.sleep(max(0.0, instant - time.time()))


@each_endpoint
@each_pair
def test_it_fails_over_to_the_input_that_lives_each_time(run: LiveRun, pair: str, endpoint: str) -> None:
    assert run.pairs[pair].active_inputs[endpoint] == [1, 2, 1]


@each_endpoint
@each_pair
def test_nothing_that_was_published_broke_a_rule_of_live_playlists(run: LiveRun, pair: str, endpoint: str) -> None:
    watcher = run.pairs[pair].watchers[endpoint]
    assert watcher.problems == [], watcher.describe()


@each_endpoint
@each_pair
def test_a_failover_costs_one_discontinuity_or_none_at_the_same_place_in_every_rendition(
    run: LiveRun, pair: str, endpoint: str
) -> None:
    marked = [
        [one.listed.media_sequence for one in watched if one.listed.is_discontinuous]
        for watched in run.pairs[pair].watchers[endpoint].renditions()
    ]
    assert len(marked) == RENDITIONS[pair]
    assert [len(places) for places in marked] == [SEAMS[pair]] * RENDITIONS[pair]
    assert len(set(map(tuple, marked))) == 1
    gaps = [one for watched in run.pairs[pair].watchers[endpoint].renditions() for one in watched if one.listed.is_gap]
    assert gaps == []


@each_endpoint
@pytest.mark.parametrize("pair", ["renumbered", "b-frames"])
def test_twins_in_time_lose_no_frame(run: LiveRun, pair: str, endpoint: str) -> None:
    (programme,) = run.pairs[pair].programmes(endpoint)
    assert [seam.describe() for seam in programme.seams()] == []
    assert programme.last_frame > frame_at(run.killed_at[1])


@each_endpoint
def test_numbering_from_the_start_goes_unnoticed(run: LiveRun, endpoint: str) -> None:
    (programme,) = run.pairs["renumbered"].programmes(endpoint)
    assert programme.problems() == []


@each_endpoint
def test_unaligned_encoders_jump_by_no_more_than_half_a_segment_or_so(run: LiveRun, endpoint: str) -> None:
    shown = [programme for programme in run.pairs["unaligned"].programmes(endpoint) if programme.frames()]
    assert len(shown) == 2
    for programme in shown:
        print(*(f"{seam.describe()}: {seam.jump_seconds:+.2f} s" for seam in programme.seams()), sep="\n")
        seams: list[Seam] = programme.seams()
        assert all(seam.marked for seam in seams)
        assert len(seams) == 2
        assert all(abs(seam.jump_seconds) <= BOUNDED_JUMP_SECONDS for seam in seams)
        assert programme.last_frame > frame_at(run.killed_at[1])


@pytest.mark.parametrize(
    ("pair", "grade", "seam"),
    [
        pytest.param("unaligned", "none", "discontinuity"),
        pytest.param("renumbered", "joinable", "seamless"),
        pytest.param("b-frames", "none", "discontinuity"),
    ],
)
def test_what_a_change_would_cost_is_known_before(run: LiveRun, pair: str, grade: str, seam: str) -> None:
    for status, standby in zip(run.pairs[pair].statuses, (2, 1), strict=False):
        interchange = status["interchange"]
        outlook = {one["to_input"]: one for one in interchange["outlook"]}[standby]
        print(interchange["renditions"], outlook)
        assert interchange["grade"] == grade
        assert outlook["seam"] == seam


def test_hls_js_plays_on_through_the_discontinuities(run: LiveRun) -> None:
    if isinstance(run.browser, MissingProgram):
        run.browser.skip()
    assert run.browser is not None
    assert run.browser.problems() == []
