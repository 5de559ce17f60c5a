"""The console in a real browser, on the running demo: it shows what happens, says why, and does what it is told.

The pictures in the documentation are made here: ``UNDERSTUDY_PICTURES=docs/images`` says where to.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.browser import PLAYERS, MissingProgram, install_players
from support.page import Page
from support.stack import Stack, free_port_offset

pytestmark = pytest.mark.takes(seconds=60)

PLAYER = PLAYERS / "node_modules/hls.js/dist/hls.mjs"
SHOWN_SECONDS_MAX = 1.0
"""Between a decision and the page that shows it."""
MOVED = "g[data-reason='{}'] .moved-mark"
WIDEST_HOLE, WIDEST_PIECE = (
    f"Math.max(0, ...[...document.querySelectorAll('rect.{kind}')].map((one) => one.width.baseVal.value))"
    for kind in ("missing", "piece")
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own with the demo channel and its two encoders."""
    try:
        install_players()
    except MissingProgram as err:
        err.skip()
    running = Stack(
        tmp_path_factory.mktemp("console") / "data",
        port_offset=free_port_offset(),
        options=("--demo",),
        environment={"UNDERSTUDY_CONSOLE_PLAYER_FILE": str(PLAYER)},
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def page(demo: Stack) -> Iterator[Page]:
    """A browser."""
    try:
        opened = Page()
    except MissingProgram as err:
        err.skip()
    with opened:
        yield opened


@pytest.fixture(scope="module")
def channel(demo: Stack, page: Page) -> Page:
    """The demo channel's page, once both inputs are known to be interchangeable."""
    page.open(f"{demo.api_url}/console/channels/demo")
    page.until("document.getElementById('verdict').textContent.startsWith('Both inputs deliver, and either')")
    return page


def encoder(demo: Stack, order: str, number: int) -> None:
    command = [sys.executable, "-m", "understudy_local", "demo", order, str(number)]
    subprocess.run([*command, "--data-dir", str(demo.data_directory)], check=True, capture_output=True, timeout=30)


def events(demo: Stack, kind: str) -> list[dict[str, Any]]:
    found = httpx.get(f"{demo.api_url}/understudy/v1/events", params={"channel": "demo", "limit": 1000}).json()
    return [one for one in found["events"] if one["kind"] == kind]


def serious(page: Page) -> list[dict[str, Any]]:
    return [one for one in page.accessibility() if one["impact"] in ("serious", "critical")]


def picture(page: Page, name: str, tmp_path: Path) -> None:
    """A picture for the documentation, or one that shows that it can be made."""
    folder = Path(os.environ.get("UNDERSTUDY_PICTURES", tmp_path))
    page.picture(folder / f"{name}.png")
    assert (folder / f"{name}.png").stat().st_size > 10_000


def test_the_demo_opens_with_a_link_to_the_console(demo: Stack) -> None:
    assert f"{demo.api_url}/console" in demo.output_path.read_text()


def test_the_overview_says_how_each_channel_is(demo: Stack, page: Page) -> None:
    assert page.open(f"{demo.api_url}/console").endswith("/console/")
    page.until("document.querySelector('tr[data-id=demo].well')")
    assert page.say("document.querySelector('tr[data-id=demo] .state').textContent") == "Both inputs deliver."
    assert serious(page) == []
    assert page.complaints() == []
    page.click("tr[data-id=demo] a")
    page.until("document.querySelectorAll('g[data-input]').length > 2")


def test_the_page_of_a_channel_complains_of_nothing_and_keeps_nobody_out(channel: Page) -> None:
    channel.until("document.querySelectorAll('.run').length > 2 && document.querySelectorAll('#events li').length > 1")
    assert channel.complaints() == []
    for scheme in ("light", "dark"):
        channel.look(1280, 900, scheme=scheme)
        assert serious(channel) == []
    channel.look(390, 800)
    assert channel.say("document.documentElement.scrollWidth <= innerWidth"), "wider than a phone"
    channel.until("Math.abs(document.querySelector('#strip svg').viewBox.baseVal.width - innerWidth) < 60")
    assert channel.say(TICKS_APART), "times that are written over one another"
    assert channel.say(
        "[...document.querySelectorAll('#strip text.quiet')].every((one) => one.textContent.endsWith('0'))"
    )
    channel.look(1280, 900)


TICKS_APART = """(() => {
  const words = [...document.querySelectorAll('#strip text.quiet')].map((one) => one.getBoundingClientRect());
  return words.every((one, number) => number === 0 || words[number - 1].right <= one.left);
})()"""
MISSING = """import('/console/static/strip.js').then(({missing}) => {
  const piece = (start, step) => ({start, end: start + step});
  const pieces = (from, to, step) => Array.from({length: (to - from) / step}, (_, n) => piece(from + n * step, step));
  const grid = {anchor: 100, segment: 2}, all = {from: 0, due: 110};
  return [
    missing(pieces(100, 110, 2), grid, {from: 0, due: 113.9}),
    missing(pieces(100, 110, 2), grid, {from: 0, due: null}),
    missing([...pieces(106, 110, 2), ...pieces(100, 104, 2)], grid, all),
    missing([...pieces(80, 100, 2), ...pieces(100, 112, 4)], {anchor: 100, segment: 4}, all),
    missing(pieces(99.9, 109.9, 2), grid, all),
    missing([], grid, all),
    missing([...pieces(100, 102, 2), {...piece(102, 2), last: true}, ...pieces(108, 112, 2)], grid, all),
  ];
})"""


def test_missing_is_what_is_due_and_not_what_was_cut_otherwise_or_comes_after_the_end(channel: Page) -> None:
    assert channel.say(MISSING) == [[110], [], [104], [], [], [], []]


STRETCHES = "import('/console/static/strip.js').then(({stretches}) => stretches([100, 102, 104, 110, 114], 2))"


def test_what_is_missing_in_a_row_is_one_hole(channel: Page) -> None:
    assert [tuple(one.values()) for one in channel.say(STRETCHES)] == [(100, 106), (110, 112), (114, 116)]


SHORTENED = """import('/console/static/strip.js').then(({shortened}) =>
  ['demo-delayed', 'sports-channel-hd-live', 'sports-channel-hd-startover'].map((name) => shortened(name, 17)))"""


def test_names_that_begin_alike_can_be_told_apart(channel: Page) -> None:
    assert channel.say(SHORTENED) == ["demo-delayed", "sport…nel-hd-live", "sport…d-startover"]


MISSED = """import('/console/static/strip.js').then(({Strip}) => {
  const slots = (...marks) => new Map(marks.map((mark, number) => [number, mark]));
  const missed = (...marks) => Strip.prototype.missed.call({slots: slots(...marks)}, 1000);
  return [
    missed({reason: 'keep', decided: 990}, {reason: 'failover', decided: 991}),
    missed({reason: 'gap', decided: 700}, {reason: 'partial', decided: 800}, {reason: 'keep', decided: 900}),
    missed({reason: 'gap', decided: 300}),
  ];
})"""


def test_what_viewers_missed_is_told_for_as_long_as_in_the_overview(channel: Page) -> None:
    assert channel.say(MISSED) == [None, 800, None]


def test_it_plays(channel: Page) -> None:
    channel.click("#player button")
    channel.until("document.querySelector('video').currentTime > 2")
    assert channel.say("document.querySelector('#player p').textContent").startswith("Playing")
    channel.complaints()  # that the first segments of the delayed endpoint were not there yet
    channel.say("document.querySelector('video').pause()")


def test_what_would_happen_is_said_before_it_does(channel: Page) -> None:
    words = channel.say("document.getElementById('drill').textContent")
    assert "would go to input 2: seamless." in words
    assert "If input 2 died now, no viewer would notice" in words


FROM_CURSOR = """(() => {
  const cursor = document.querySelector('.cursor').getBoundingClientRect().left;
  const pieces = [...document.querySelectorAll('rect.piece')].map((one) => one.getBoundingClientRect().right);
  return cursor - Math.max(...pieces);
})()"""


def test_the_clock_of_the_browser_does_not_matter(channel: Page) -> None:
    channel.say("window.realNow = Date.now")
    channel.say("Date.now = () => window.realNow.call(Date) + 600_000")
    try:
        channel.until(f"Math.abs({FROM_CURSOR}) < 50")
        channel.until("document.querySelectorAll('rect.missing').length === 0")
    finally:
        channel.say("Date.now = window.realNow")
    channel.until(f"Math.abs({FROM_CURSOR}) < 50")


def test_an_operator_switches_over_and_is_told_before_how_it_would_look(demo: Stack, channel: Page) -> None:
    channel.click("[data-id=demo-delayed] button")
    channel.until("document.getElementById('confirm').open")
    assert "It would be seamless." in channel.say("document.getElementById('confirm-words').textContent")
    assert serious(channel) == []
    channel.click("#confirm-do")
    channel.until(f'document.querySelector("{MOVED.format("switchover")}")')
    assert [one["origin_endpoint"] for one in events(demo, "switchover")] == ["demo-delayed"]


def test_a_failover_shows_within_a_second_and_says_why(demo: Stack, channel: Page, tmp_path: Path) -> None:
    encoder(demo, "stop", 1)
    shown_at = channel.until(f'document.querySelector("{MOVED.format("failover")}")')
    failover = events(demo, "failover")[0]
    decided_at = channel.say(f"Date.parse({json.dumps(failover['at'])}) / 1000")
    assert shown_at - decided_at < SHOWN_SECONDS_MAX
    channel.until(
        "/input 1 is late or incomplete|Input 1 is lost/.test(document.getElementById('verdict').textContent)"
    )
    channel.click("[data-id=demo-short] button")
    words = channel.say("document.getElementById('confirm-words').textContent")
    assert "Input 1 is late or incomplete now" in words or "It would be impossible" in words
    channel.press("Escape")
    channel.until(f"{WIDEST_HOLE} > {WIDEST_PIECE}")
    channel.hover("g[data-reason=failover] rect")
    assert "had not delivered all of v1 by its deadline" in channel.say("document.getElementById('hover').textContent")
    channel.click("g[data-reason=failover] rect")
    channel.until("document.querySelectorAll('#explanation li').length > 1")
    assert failover["words"].split(",")[0] in channel.say("document.getElementById('explanation').textContent")
    channel.until("document.getElementById('headline').textContent.includes('demo-short follows input 2 since')")
    assert "Viewers saw nothing of it." in channel.say("document.getElementById('headline').textContent")
    picture(channel, "console-channel", tmp_path)
    encoder(demo, "start", 1)
    channel.until("document.getElementById('verdict').textContent.startsWith('Both inputs deliver')", seconds=60)


def test_the_strip_is_gone_along_with_keys(channel: Page) -> None:
    channel.hover("#name")  # pieces that go by below the pointer would say what they are
    channel.say("document.querySelector('#strip rect[tabindex=\"0\"]').focus()")
    channel.press("ArrowLeft")
    before = channel.say("document.activeElement.getAttribute('aria-label')")
    channel.press("ArrowLeft")
    after = channel.say("document.activeElement.getAttribute('aria-label')")
    assert before != after
    assert channel.say("document.getElementById('hover').textContent") == after
    channel.say("window.focused = document.activeElement")
    channel.look(1200, 900)  # which draws all of it anew
    channel.until("!window.focused.isConnected")
    assert channel.say("document.activeElement.getAttribute('aria-label')") == after
    channel.look(1280, 900)
    channel.press("ArrowDown")
    channel.press("ArrowDown")
    channel.say("document.getElementById('explanation').replaceChildren()")
    channel.press("Enter")
    channel.until("document.querySelector('#explanation strong')?.textContent.startsWith('demo-')")


def test_what_was_before_the_page_was_opened_is_there_too(demo: Stack, channel: Page) -> None:
    """A controller that has just begun knows nothing of it: it is read from the logs."""
    pid = demo.kill("controller")
    demo.wait_until_restarted("controller", old_pid=pid)
    channel.open(f"{demo.api_url}/console/channels/demo")
    failed_over = MOVED.format("failover")
    channel.until(
        f"document.querySelector(\"{failed_over}\") && document.querySelectorAll('g[data-input]').length > 20"
    )
    assert channel.say("document.querySelectorAll('rect.missing').length") > 0
    channel.click("#earlier")
    channel.click("#earlier")
    channel.until("Number(document.querySelector('.cursor').getAttribute('x1')) > innerWidth")
    assert channel.say("document.querySelectorAll('rect.missing').length") < 5, "one for all that is missing in a row"
    channel.click("#live")
    channel.until("Number(document.querySelector('.cursor').getAttribute('x1')) < innerWidth")


COPIED = """(() => {
  navigator.clipboard.writeText = async (text) => { window.copied = text; };
  [...document.querySelectorAll('#ingest button')].find((one) => one.textContent === 'Copy line for FFmpeg').click();
  return window.copied;
})()"""


def test_the_line_for_ffmpeg_is_one_that_a_shell_runs(channel: Page, tmp_path: Path) -> None:
    """What it does with its arguments is FFmpeg's matter: the demo's encoders have the same."""
    program = tmp_path / "ffmpeg"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    line = channel.say(COPIED)
    paths = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    told = subprocess.run(["sh", "-c", line], env=paths, check=True, capture_output=True, text=True, timeout=20)
    arguments = told.stdout.splitlines()
    assert re.fullmatch(r"http://[^:@/]+:[^@/]+@127\.0\.0\.1:\d+/in/v2/\w+/\w+/channel_1\.m3u8", arguments[-1])
    began = float(arguments[arguments.index("-output_ts_offset") + 1])
    assert began % 2 == 0
    assert int(arguments[arguments.index("-start_number") + 1]) == began / 2


def test_while_nats_is_away_no_input_is_called_dead(demo: Stack, channel: Page) -> None:
    os.kill(demo.processes()["nats"], signal.SIGSTOP)
    try:
        channel.until("document.getElementById('verdict').textContent.startsWith('Not known')")
        assert not channel.say("document.getElementById('inputs').textContent.includes('dead')")
    finally:
        os.kill(demo.processes()["nats"], signal.SIGCONT)
    channel.until("document.getElementById('verdict').textContent.startsWith('Both inputs deliver')")
    channel.complaints()  # of what was asked meanwhile


def test_a_page_goes_on_by_itself_when_its_controller_is_replaced(demo: Stack, channel: Page) -> None:
    pid = demo.kill("controller")
    channel.until("document.getElementById('connection').classList.contains('lost')")
    demo.wait_until_restarted("controller", old_pid=pid)
    channel.until("!document.getElementById('connection').classList.contains('lost')")
    count = channel.say("document.querySelectorAll('.run').length")
    channel.until(
        f"document.querySelectorAll('.run').length > {count} || document.querySelectorAll('.run.coming').length"
    )
    channel.complaints()  # of the connection that was lost
