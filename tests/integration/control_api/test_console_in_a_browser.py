"""The console in a real browser as people reach it: signed in, below a path of a site, behind a proxy that buffers.

Nothing is on the air: what channels do is told to the logs.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.browser import MissingProgram
from support.cdn import find_program, running_server
from support.control_process import Controller
from support.deadline import eventually
from support.nats_server import running_nats_server
from support.page import Page
from support.ports import free_ports
from support.signing import READER, STRANGER, WRITER, Key, signed, write_keys
from understudy_domain import codec, keys
from understudy_domain.entry import ActiveInput
from understudy_domain.event import Event, EventKind
from understudy_domain.interchange import Grade
from understudy_domain.reason import Reason
from understudy_domain.ticks import from_seconds
from understudy_runtime import clock, jetstream
from understudy_runtime.kv import KeyValue
from understudy_runtime.settings import CommonSettings

pytestmark = [pytest.mark.needs_debian, pytest.mark.takes(seconds=15)]

STRANGE = "<img src=x onerror=\"document.title='owned'\"> \u202eright to left\u202c 📺 " + "a" * 200
CHANNELS = {"arts": STRANGE, "news": "The channel that is sick", "sport": ""}
NGINX = """
events {{}}
pid {directory}/nginx.pid;
error_log stderr;
http {{
    access_log off;
    {temporary}
    server {{
        listen 127.0.0.1:{port};
        location = /login {{
            return 200 "Who are you?";
        }}
        location /understudy/ {{
            if (-f {directory}/signed-out) {{
                return 302 /login;
            }}
            proxy_pass {api}/;
            proxy_set_header Host $http_host;
            proxy_http_version 1.1;
        }}
    }}
}}
"""


class Installation:
    """A controller that asks for signatures, with three channels, and nginx before it."""

    def __init__(self, controller: Controller, nats_url: str, keys_file: Path, site: str) -> None:
        self.controller = controller
        self.keys_file = keys_file
        self.console = f"{site}/understudy/console"
        self.signed_out = keys_file.parent / "signed-out"
        """While this file is there, the proxy leads everybody to its own way of signing in."""
        self._settings = CommonSettings(nats_url=nats_url)
        self.guids: dict[str, tuple[str, str]] = {}

    def create(self, name: str, description: str) -> None:
        """A channel and its origin endpoint."""
        channel = self.send("POST", "/channels", {"id": name, "description": description})
        endpoint = self.send("POST", "/origin_endpoints", {"id": f"{name}-hls", "channelId": name, "hlsPackage": {}})
        self.guids[name] = (channel["arn"].rpartition("/")[2], endpoint["arn"].rpartition("/")[2])

    def send(self, method: str, path: str, body: dict[str, object]) -> dict[str, str]:
        """A signed request, and its answer."""
        url, content = f"{self.controller.url}{path}", json.dumps(body).encode()
        answer = httpx.request(method, url, content=content, headers=signed(method, url, content))
        assert answer.status_code == 200, answer.text
        made: dict[str, str] = answer.json()
        return made

    def tell(self, name: str, kind: EventKind, *, ago_seconds: float = 0, **fields: object) -> None:
        """Something happened to a channel."""
        channel, endpoint = self.guids[name]
        instant = clock.now_ticks() - from_seconds(ago_seconds)
        about = {} if "input_id" in fields or "grade" in fields else {"origin_endpoint": endpoint, "media_sequence": 7}
        event = Event(kind, channel, instant, "It was so.", channel_id=name, **about, **fields)  # type: ignore[arg-type]

        async def publish() -> None:
            bus = await jetstream.connect(self._settings, name="test")
            try:
                subject = keys.event_subject(event.kind, event.channel, event.about)
                await bus.publish(subject, codec.encode(event))
                active = ActiveInput(f"{name}-hls", name, 1, instant, Reason.START, 0, 1)
                await KeyValue(bus, keys.ACTIVE_INPUT_BUCKET).put(f"{name}-hls", codec.encode(active))
            finally:
                await bus.close()

        asyncio.run(publish())


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("site")
    keys_file = directory / "keys.json"
    write_keys(keys_file, WRITER, READER)
    (port,) = free_ports(1)
    settings = {"authentication": "sigv4", "access_keys_file": str(keys_file)}
    try:
        program = find_program("nginx", package="nginx-light")
    except MissingProgram as err:
        err.skip()
    with (
        running_nats_server(directory / "nats") as nats,  # of its own: all channels are counted
        Controller(directory, nats_url=nats.url, name="site", **settings) as controller,
    ):
        names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "\n".join(f"{name}_temp_path {directory}/{name};" for name in names)
        file = directory / "nginx.conf"
        file.write_text(NGINX.format(directory=directory, temporary=temporary, port=port, api=controller.url))
        directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        command = [program, "-c", str(file), "-p", str(directory), "-g", directives]
        with running_server(command, output=directory / "nginx.log", port=port):
            found = Installation(controller, nats.url, keys_file, f"http://127.0.0.1:{port}")
            for name, description in CHANNELS.items():
                found.create(name, description)
                found.tell(name, EventKind.PROGRAMME_STARTED, ago_seconds=900)
                found.tell(name, EventKind.INPUTS_MATCH, ago_seconds=890, grade=Grade.JOINABLE)
            yield found


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    try:
        opened = Page()
    except MissingProgram as err:
        err.skip()
    with opened:
        yield opened


def sign_in(page: Page, key: Key) -> None:
    page.fill("#key", key.access_key_id)
    page.fill("#secret", key.secret)
    page.click("button")


def says(selector: str, words: str) -> str:
    """Whether an element says this somewhere."""
    return f"document.querySelector({selector!r})?.textContent.includes({words!r})"


ORDER = "[...document.querySelectorAll('#rows tr')].map((one) => one.dataset.id)"


def test_who_is_not_signed_in_signs_in_and_comes_where_they_wanted_to(installation: Installation, page: Page) -> None:
    assert "/understudy/console/sign-in?to=" in page.open(f"{installation.console}/channels/news")
    sign_in(page, STRANGER)
    page.until(says("#said", "no access key"))
    assert [one for one in page.accessibility() if one["impact"] in ("serious", "critical")] == []
    page.complaints()  # the browser's own, that it was refused
    sign_in(page, READER)
    page.until("location.pathname === '/understudy/console/channels/news'")
    page.until(says("#connection", "live"))
    page.until(says("#ingest", "Copy line for FFmpeg"))
    page.until(says("#events", "CreateChannel"))
    assert page.complaints() == []


def test_a_description_is_shown_and_is_never_markup(installation: Installation, page: Page) -> None:
    assert page.open(installation.console).endswith("/understudy/console/")
    page.until("document.querySelectorAll('#rows tr.well').length === 3")
    assert page.say("document.querySelector('tr[data-id=arts] .description').textContent") == STRANGE
    assert page.say("document.querySelectorAll('#rows img').length") == 0
    for width in (1280, 360):
        page.look(width, 800)
        assert page.say("document.documentElement.scrollWidth <= innerWidth"), f"wider than {width}"
    page.look(1280, 900)
    page.fill("#find", "THAT IS SICK")
    page.until(f"JSON.stringify({ORDER}) === '[\"news\"]'")
    page.fill("#find", "")
    page.until(f"{ORDER}.length === 3")


def test_the_worst_comes_first_and_what_is_looked_at_stays_so(installation: Installation, page: Page) -> None:
    page.say("document.querySelector('tr[data-id=sport] a').focus()")
    page.say("window.untouched = document.querySelector('tr[data-id=arts]')")
    installation.tell("news", EventKind.INPUT_LOST, input_id=2, ago_seconds=60)
    page.until(f'JSON.stringify({ORDER}) === \'["news","arts","sport"]\'')
    assert "Input 2 is lost: nothing stands by (" in page.say("document.querySelector('tr.single .state').textContent")
    assert page.say("document.getElementById('summary').textContent") == "3 channels, 1 needs a look."
    installation.tell("sport", EventKind.GAP)
    page.until(f'JSON.stringify({ORDER}) === \'["sport","news","arts"]\'')
    assert page.say("document.activeElement.closest('tr')?.dataset.id") == "sport", "it moved with its line"
    installation.tell("arts", EventKind.REPAIR, active_input=2)
    page.until(says("tr.repaired .state", "Input 2 lost something"))
    assert page.say("document.getElementById('summary').textContent") == "3 channels, 3 need a look."
    installation.tell("news", EventKind.INPUT_RECOVERED, input_id=2)
    page.until(f'JSON.stringify({ORDER}) === \'["sport","arts","news"]\'')
    assert page.complaints() == []


THOUSAND = """(async () => {
  const frame = window.requestAnimationFrame.bind(window), took = [], handlers = {};
  window.requestAnimationFrame = (call) => frame((at) => {
    const begun = performance.now();
    call(at);
    document.body.getBoundingClientRect();
    took.push(performance.now() - begun);
  });
  window.EventSource = class { addEventListener(name, call) { handlers[name] = call; } close() {} };
  await import('./static/overview.js?with-a-feed-of-the-test');
  const states = ['well', 'idle', 'moved', 'repaired', 'unlike', 'single', 'seen', 'holding'];
  const lamp = (input) => ({input, lost: false, ended: false}), follows = {id: 'one', active: 1, held: false};
  const line = (number, severity) => ({guid: `g${number}`, id: `channel-${String(number).padStart(4, '0')}`,
    description: '', severity, state: states[severity], words: 'It is so.',
    since: severity ? Date.now() / 1000 - number : null,
    inputs: [lamp(1), lamp(2)], endpoints: [follows, follows]});
  const tell = (all, lines) => handlers.lines({data: JSON.stringify({all, now: Date.now() / 1000, lines, gone: []})});
  const drawn = () => new Promise((done) => frame(() => frame(done)));
  tell(true, Array.from({length: 1000}, (_, number) => line(number, number % 50 ? 0 : 5)));
  await drawn();
  took.length = 0;
  for (let round = 0; round < 20; round += 1) {
    tell(false, Array.from({length: 20}, (_, number) => line((round * 37 + number * 41) % 1000, (round + number) % 8)));
    await drawn();
  }
  const rows = [...document.querySelectorAll('#rows tr[data-id^=channel]')];
  const shown = rows.map((one) => states.indexOf(one.className));
  return {median: took.sort((one, other) => one - other)[took.length >> 1], shown,
    more: document.getElementById('more').textContent};
})()"""


def test_a_thousand_channels_stay_fluent_and_in_order(page: Page) -> None:
    """Twenty of them change at once, as in a quarter of a second of a bad night."""
    found = page.say(THOUSAND)
    assert found["median"] < 250, "milliseconds; 11 were measured on a busy machine"
    assert len(found["shown"]) == 300
    assert found["shown"] == sorted(found["shown"], reverse=True)
    assert found["more"].startswith("700 more")


def test_a_page_that_nobody_sees_lets_go_of_its_connection_and_takes_it_up_again(
    installation: Installation, page: Page
) -> None:
    page.open(installation.console)
    page.until(says("#connection", "live"))

    def be_seen(seen: bool) -> None:
        hidden = "false" if seen else "true"
        page.say(f"Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}})")
        page.say("document.dispatchEvent(new Event('visibilitychange'))")

    be_seen(False)
    page.until(says("#connection", "paused"))
    assert "how they are now is not known" in page.say("document.getElementById('summary').textContent")
    be_seen(True)
    page.until(says("#connection", "live"))
    page.until(says("#summary", "need a look"))


def test_a_controller_that_stands_still_is_not_taken_for_one_that_has_nothing_to_tell(
    installation: Installation, page: Page
) -> None:
    """No connection is closed by that, as by a network that went away."""
    page.open(f"{installation.console}/channels/news")
    page.until(says("#connection", "live"))
    installation.controller.pause()
    try:
        page.until(says("#verdict", "Not known: the connection is lost"), seconds=10)
    finally:
        installation.controller.resume()
    page.until(says("#connection", "live"))
    page.until("!document.getElementById('verdict').textContent.startsWith('Not known')")
    page.complaints()  # of what was asked meanwhile


def test_of_an_input_that_delivers_nothing_no_number_is_told_that_looks_alive(page: Page) -> None:
    page.until("document.querySelectorAll('#inputs .card').length === 3")
    told = page.say("document.getElementById('inputs').textContent")
    assert "never began" in told
    assert not any(words in told for words in ("lag", "arrives", "dates"))


def test_who_may_only_look_is_offered_nothing_and_gets_nothing(page: Page) -> None:
    page.until("document.querySelector('#endpoints button')")
    assert page.say("document.querySelector('#endpoints button').disabled")
    forced = "fetch('../../understudy/v1/origin_endpoints/news-hls/switchover', {method: 'POST', body: '{}'})"
    assert page.say(f"{forced}.then((answer) => answer.status)") == 403
    page.complaints()


def test_a_player_that_there_is_none_of_is_told_to_be_away(page: Page) -> None:
    plays = page.say("document.createElement('video').canPlayType('application/vnd.apple.mpegurl') !== ''")
    page.click("#player button")
    # One that plays HLS by itself says at once that there is nothing to be played.
    tried = "!document.querySelector('#player p').textContent.startsWith('Nothing')"
    page.until(tried if plays else says("#player p", "hls.js is not beside this console"))
    page.say("document.querySelector('#player p').textContent = `Playing http://${'a'.repeat(300)}`")
    page.look(390, 800)
    assert page.say("document.documentElement.scrollWidth <= innerWidth"), "an address makes it wider than a phone"
    page.look(1280, 900)
    page.complaints()


COMPARED = """import('./static/common.js').then(({compared}) =>
  [0.005, -0.005, 0, null].map((one) => compared(one, 'later', 'earlier')))"""
ZONES = """import('./static/resting.js').then(({zones}) => {
  const unknown = [{from: 100, to: 400, words: 'loading'}];
  return [[], [{start: 380}, {start: 390}], [{start: 95}], [{start: 500}]].map((pieces) =>
    zones(unknown, 5, pieces).map(({start, end}) => [start, end]));
})"""


def test_no_difference_is_said_to_be_negative(page: Page) -> None:
    assert page.say(COMPARED.replace("./", "../")) == ["0.005 s later", "0.005 s earlier", "0 s", "unknown"]


def test_what_is_not_known_is_marked_up_to_what_is(page: Page) -> None:
    assert page.say(ZONES.replace("./", "../")) == [[[95, 395]], [[95, 380]], [], [[95, 395]]]


def test_a_stretch_that_cannot_be_read_is_said_to_be_so(page: Page) -> None:
    """Blank would be: nothing was delivered."""
    page.say(
        "(() => { const real = window.fetch; window.fetch = (url, ...more) => String(url).includes('/past?')"
        " ? Promise.reject(new Error('NATS is away')) : real(url, ...more); window.realFetch = real; })()"
    )
    page.say("document.getElementById('span').value = '900'")
    page.click("#earlier")
    page.until(says("#unknown", "could not be loaded: NATS is away"))
    page.say("window.fetch = window.realFetch")
    page.click("#live")
    page.complaints()


def test_the_strip_is_held_while_it_is_pointed_at(page: Page) -> None:
    page.hover("#strip svg")
    page.until("!document.getElementById('held').hidden")
    moved = "document.querySelector('#strip svg [clip-path] > g').getAttribute('transform')"
    page.say(f"window.heldAt = null; setTimeout(() => {{ window.heldAt = {moved}; }}, 200)")
    page.until("window.heldAt !== null")
    page.say(f"window.frames = 0; window.later = null; setTimeout(() => {{ window.later = {moved}; }}, 500)")
    page.until("window.later !== null")
    assert page.say("window.heldAt === window.later")
    page.hover("#name")
    page.until(f"document.getElementById('held').hidden && {moved} !== window.heldAt")


def test_a_page_shows_the_configuration_as_it_is_now(installation: Installation, page: Page) -> None:
    """An encoder that is given a password which was exchanged is refused."""
    installation.send("PUT", "/channels/news", {"description": "Another one"})
    page.until(says("#configuration", "Another one"))


def test_a_session_that_is_over_leads_to_where_it_is_begun_anew(installation: Installation, page: Page) -> None:
    write_keys(installation.keys_file, WRITER)
    refused = f"fetch({f'{installation.console}/viewer'!r}).then((answer) => answer.status === 403)"
    eventually(lambda: bool(page.say(refused)), within_seconds=10, what="the key is taken away")
    installation.send("PUT", "/channels/news", {"description": "And another one"})  # so that the page asks anew
    page.until("location.pathname.endsWith('/console/sign-in')")
    sign_in(page, WRITER)
    page.until("location.pathname === '/understudy/console/channels/news'")
    page.until(says("#connection", "live"))


def test_a_session_that_is_over_at_the_proxy_leads_to_its_own_way_of_signing_in(
    installation: Installation, page: Page
) -> None:
    page.say("sessionStorage.clear()")  # it was led to sign in just now
    installation.signed_out.touch()
    try:
        installation.send("PUT", "/channels/news", {"description": "One more"})
        page.until("location.pathname === '/login'")
    finally:
        installation.signed_out.unlink()
