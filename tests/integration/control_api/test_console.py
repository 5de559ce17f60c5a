"""The console outside of `understudy up`: who gets in, and that what they do is told with their name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from support.control_process import Controller
from support.deadline import eventually
from support.nats_server import NatsServer
from support.signing import READER, STRANGER, WRITER, Key, write_keys
from understudy_controller.console.places import PAGES_OF_ONE_MAX

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def closed(config_server: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A controller that asks for signatures, and believes a proxy on this machine."""
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    write_keys(keys, WRITER, READER)
    settings = {
        "authentication": "sigv4",
        "access_keys_file": str(keys),
        "console_trusted_proxies": "127.0.0.2/32",
        "console_operators": "night-shift",
    }
    with Controller(tmp_path_factory.mktemp("console"), nats_url=config_server.url, name="console", **settings) as one:
        yield one


@contextmanager
def browser(closed: Controller, key: Key | None = None, *, address: str = "127.0.0.1") -> Iterator[httpx.Client]:
    """As a browser that has signed in with a key."""
    transport = httpx.HTTPTransport(local_address=address)
    own = {"Origin": closed.url}
    with httpx.Client(base_url=closed.url, transport=transport, timeout=10, headers=own) as client:
        if key is not None:
            assert sign_in(client, key).status_code == 204
        yield client


def sign_in(client: httpx.Client, key: Key) -> httpx.Response:
    return client.post("/console/sign-in", json={"accessKeyId": key.access_key_id, "secretAccessKey": key.secret})


def events(closed: Controller, channel: str) -> list[dict[str, Any]]:
    with browser(closed, READER) as reader:
        found = reader.get("/understudy/v1/events", params={"channel": channel}).json()["events"]
    return [one for one in found if one["kind"] == "operator_action"]


@pytest.mark.parametrize(
    ("path", "way"), [("/console", "console/"), ("/console/", ""), ("/console/channels/demo", "../")]
)
def test_who_is_not_signed_in_is_led_to_where_they_can(closed: Controller, path: str, way: str) -> None:
    """Relative to where they are: a proxy may serve the console below a path of its own."""
    with browser(closed) as client:
        answer = client.get(path, headers=HTML)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"{way}sign-in?to={path.replace('/', '%2F')}",
        )
        assert client.get(urljoin(path, answer.headers["location"]), headers=HTML).status_code == 200
        assert client.get("/console/static/console.css").status_code == 200
        assert client.get("/console/feed/overview").status_code == 403


def test_a_session_looks_and_orders_and_is_told_by_name(closed: Controller) -> None:
    with browser(closed, WRITER) as writer:
        assert writer.get("/console/viewer").json() == {"name": "writer", "readOnly": False, "hasSession": True}
        assert writer.get("/console/", headers=HTML).status_code == 200
        assert writer.post("/channels", json={"id": "by-session"}).status_code == 200
        assert writer.put("/channels/by-session", json={"description": "x"}).status_code == 200
        with writer.stream("GET", "/console/feed/overview") as feed:
            lines = feed.iter_lines()
            told = next(line for line in lines if line.startswith("data: "))
        assert "by-session" in [one["id"] for one in json.loads(told.removeprefix("data: "))["lines"]]
    eventually(lambda: len(events(closed, "by-session")) == 2, within_seconds=10, what="both actions told")
    assert [(one["author"], one["operation"]) for one in events(closed, "by-session")] == [
        ("writer", "CreateChannel"),
        ("writer", "UpdateChannel"),
    ]


def test_what_is_deleted_is_told_too_and_what_is_refused_is_not(closed: Controller) -> None:
    with browser(closed, WRITER) as writer:
        assert writer.post("/channels", json={"id": "to-delete"}).status_code == 200
        assert writer.put("/channels/to-delete", json={"description": 5}).status_code == 422
        assert writer.delete("/channels/to-delete").status_code == 202
    wanted = ["CreateChannel", "DeleteChannel"]
    eventually(
        lambda: [one["operation"] for one in events(closed, "to-delete")] == wanted, within_seconds=10, what="both told"
    )


def test_a_key_that_may_only_read_only_looks(closed: Controller) -> None:
    with browser(closed, READER) as reader:
        assert reader.get("/console/viewer").json()["readOnly"]
        assert reader.get("/channels").status_code == 200
        refused = reader.post("/channels", json={"id": "not-by-reader"})
        assert (refused.status_code, "may only look" in refused.json()["message"]) == (403, True)


@pytest.mark.parametrize("key", [STRANGER, Key(WRITER.access_key_id, "wrong-secret-0123456789")])
def test_nobody_signs_in_without_a_key(closed: Controller, key: Key) -> None:
    with browser(closed) as client:
        answer = sign_in(client, key)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        surrogates = r'{"accessKeyId": "\ud800", "secretAccessKey": "\ud800"}'
        for wrong in (surrogates, "[]", "{", '{"accessKeyId": 5, "secretAccessKey": "x"}', "{}"):
            assert client.post("/console/sign-in", content=wrong).status_code == 422


def test_another_sites_page_writes_nothing_in_ones_name(closed: Controller) -> None:
    with browser(closed, WRITER) as writer:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            assert writer.post("/channels", json={"id": "forged"}, headers=headers).status_code == 403
        del writer.headers["Origin"]
        assert writer.post("/channels", json={"id": "forged"}).status_code == 403
        assert writer.get("/channels/forged").status_code == 404


@pytest.mark.parametrize("key", [WRITER, READER])
def test_a_session_that_is_left_is_over_in_this_browser(closed: Controller, key: Key) -> None:
    with browser(closed, key) as client:
        assert client.post("/console/sign-out", headers={"Origin": "https://evil.example"}).status_code == 403
        assert client.post("/console/sign-out").status_code == 204
        assert client.get("/channels").status_code == 403


def test_a_trusted_proxy_says_who_it_has_signed_in(closed: Controller) -> None:
    with browser(closed, address="127.0.0.2") as proxied:
        bob, ada = {"X-Forwarded-User": "bob"}, {"X-Forwarded-User": "ada", "X-Forwarded-Groups": "night-shift"}
        assert proxied.get("/console/viewer", headers=bob).json() == {
            "name": "bob",
            "readOnly": True,
            "hasSession": False,
        }
        assert proxied.post("/channels", json={"id": "by-proxy"}, headers=bob).status_code == 403
        assert proxied.post("/channels", json={"id": "by-proxy"}, headers=ada).status_code == 200
        assert proxied.get("/channels").status_code == 403
        assert proxied.get("/channels", headers={**bob, "Authorization": "Bearer of.the.proxy"}).status_code == 200
        assert proxied.get("/channels", headers={**bob, "Authorization": "AWS4-HMAC-SHA256 x"}).status_code == 403
    with browser(closed) as anybody:
        assert anybody.get("/channels", headers=ada).status_code == 403
    eventually(lambda: bool(events(closed, "by-proxy")), within_seconds=10, what="the action told")
    assert events(closed, "by-proxy")[0]["author"] == "ada"


def test_the_cookie_goes_to_nobody_else(closed: Controller) -> None:
    with browser(closed) as client:
        said = sign_in(client, WRITER).headers["set-cookie"].lower()
        assert "httponly" in said
        assert "samesite=strict" in said
        assert "; secure" not in said
        answer = client.post(
            "/console/sign-in",
            json={"accessKeyId": WRITER.access_key_id, "secretAccessKey": WRITER.secret},
            headers={"X-Forwarded-Proto": "https"},
        )
        assert "; secure" in answer.headers["set-cookie"].lower()


def test_pages_let_nobody_elses_script_in_and_no_file_out(closed: Controller) -> None:
    with browser(closed, READER) as reader:
        policy = reader.get("/console/", headers=HTML).headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        for name in ("..%2froutes.py", "routes.py", "%2e%2e", "hls.mjs", "no.css"):
            assert reader.get(f"/console/static/{name}").status_code == 404


def test_a_page_is_told_of_an_endpoint_that_comes_while_it_is_open(closed: Controller) -> None:
    with browser(closed, WRITER) as writer:
        assert writer.post("/channels", json={"id": "grows"}).status_code == 200
        with writer.stream("GET", "/console/feed/channels/grows") as feed:
            lines = feed.iter_lines()
            assert strip(lines)["endpoints"] == []
            new = {"id": "grown", "channelId": "grows", "hlsPackage": {}}
            assert writer.post("/origin_endpoints", json=new).status_code == 200
            assert list(lines)[-1:] in ([], [""]), "its feed is closed: it asks again"
        with writer.stream("GET", "/console/feed/channels/grows") as feed:
            assert [one["id"] for one in strip(feed.iter_lines())["endpoints"]] == ["grown"]
        assert writer.get("/console/feed/channels/never-was").status_code == 404


def strip(lines: Iterator[str]) -> dict[str, Any]:
    """The first event of a channel's feed: all that there is."""
    found: dict[str, Any] = json.loads(next(line for line in lines if line.startswith("data: ")).removeprefix("data: "))
    return found


def test_a_viewer_who_has_too_many_pages_open_is_told_so(closed: Controller) -> None:
    with browser(closed, READER) as reader, ExitStack() as open_pages:
        limits = httpx.Limits(max_connections=PAGES_OF_ONE_MAX + 1)
        many = open_pages.enter_context(
            httpx.Client(base_url=closed.url, cookies=reader.cookies, limits=limits, timeout=20)
        )
        for _ in range(PAGES_OF_ONE_MAX):
            answer = open_pages.enter_context(many.stream("GET", "/console/feed/overview"))
            assert answer.status_code == 200
        refused = reader.get("/console/feed/overview")
        assert (refused.status_code, refused.json()["message"]) == (
            429,
            "reader has 100 pages of the console open here: close some",
        )
        with browser(closed, WRITER) as writer, writer.stream("GET", "/console/feed/overview") as other:
            assert other.status_code == 200
    with browser(closed, READER) as reader:

        def has_a_place() -> bool:
            with reader.stream("GET", "/console/feed/overview") as answer:
                return answer.status_code == 200

        eventually(has_a_place, within_seconds=10, what="their places are free")
