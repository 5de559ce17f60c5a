"""Who looks at the console: sessions, proxies that say who, and that nobody writes in somebody else's name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.signing import READER, STRANGER, WRITER, Key, write_keys
from understudy_controller.authentication.keys import AccessKeys
from understudy_controller.authentication.refusal import Reason, RequestRefused
from understudy_controller.authentication.sessions import (
    COOKIE,
    LASTS,
    ProxiedViewers,
    Sessions,
    Viewer,
    check_same_origin,
)
from understudy_controller.settings import ControllerSettings

BEGIN = datetime(2027, 1, 15, 8, tzinfo=UTC)


class Clock:
    """The time, moved by hand."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


def keys(tmp_path: Path, *held: Key) -> AccessKeys:
    path = tmp_path / "keys.json"
    write_keys(path, *held)
    return AccessKeys(path, sleep=lambda _: None, monotonic=iter(range(10**6)).__next__)


def cookie(token: str, name: str = COOKIE) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", f"other=1; {name}={token}".encode())]


def test_a_session_says_who_began_it_and_what_they_may(tmp_path: Path) -> None:
    sessions = Sessions(keys(tmp_path, WRITER, READER), now=Clock())
    for key, read_only in ((WRITER, False), (READER, True)):
        token = sessions.begin(key.access_key_id, key.secret)
        name = key.access_key_id.removeprefix("AKIATEST").lower()
        assert sessions.viewer(cookie(token)) == Viewer(key.access_key_id, name, read_only)
        assert key.secret not in token


@pytest.mark.parametrize("key", [STRANGER, Key(WRITER.access_key_id, READER.secret), Key(WRITER.access_key_id, "")])
def test_nobody_begins_one_without_the_secret(tmp_path: Path, key: Key) -> None:
    sessions = Sessions(keys(tmp_path, WRITER), now=Clock())
    with pytest.raises(RequestRefused) as refused:
        sessions.begin(key.access_key_id, key.secret)
    assert refused.value.reason is Reason.WRONG_SIGNATURE


def test_a_session_ends_by_itself(tmp_path: Path) -> None:
    now = Clock()
    sessions = Sessions(keys(tmp_path, WRITER), now=now)
    token = sessions.begin(WRITER.access_key_id, WRITER.secret)
    now.now = BEGIN + LASTS - timedelta(seconds=1)
    assert sessions.viewer(cookie(token)) is not None
    now.now = BEGIN + LASTS
    assert sessions.viewer(cookie(token)) is None


def test_a_session_ends_with_its_key_and_with_its_secret(tmp_path: Path) -> None:
    token = Sessions(keys(tmp_path, WRITER), now=Clock()).begin(WRITER.access_key_id, WRITER.secret)
    assert Sessions(keys(tmp_path, READER), now=Clock()).viewer(cookie(token)) is None
    other = Key(WRITER.access_key_id, "another-secret-0123456789")
    assert Sessions(keys(tmp_path, other), now=Clock()).viewer(cookie(token)) is None


def test_a_session_that_was_written_by_hand_is_none(tmp_path: Path) -> None:
    sessions = Sessions(keys(tmp_path, WRITER, READER), now=Clock())
    token = sessions.begin(READER.access_key_id, READER.secret)
    writers = sessions.begin(WRITER.access_key_id, WRITER.secret)
    said, _, mac = token.partition(".")
    forged = f"{writers.partition('.')[0]}.{mac}"
    for wrong in (
        forged,
        said,
        f"{said}.{'0' * 64}",
        f"{said[:-2]}.{mac}",
        "",
        ".",
        "ä.1",
        f"a.{mac}",
        f"{said}.{mac}0",
    ):
        assert sessions.viewer(cookie(wrong)) is None
    assert sessions.viewer(cookie(token, name="another")) is None
    assert sessions.viewer([]) is None


@pytest.mark.parametrize("other", ['{"a":1}', '"', "a b", "é", "x=y", ""])
def test_a_session_stands_beside_cookies_of_any_form(tmp_path: Path, other: str) -> None:
    sessions = Sessions(keys(tmp_path, WRITER), now=Clock())
    token = sessions.begin(WRITER.access_key_id, WRITER.secret)
    sent = f"other={other}; {COOKIE}={token}; last={other}".encode()
    assert sessions.viewer([(b"cookie", sent)]) is not None


PROXY = {
    "console_trusted_proxies": "10.0.0.0/8",
    "console_operators": "night-shift,ada@example.org",
}


@pytest.mark.parametrize(
    ("peer", "user", "groups", "found"),
    [
        ("10.1.2.3", ["ada@example.org"], [], Viewer("", "ada@example.org", read_only=False)),
        ("10.1.2.3", ["bob@example.org"], [], Viewer("", "bob@example.org", read_only=True)),
        ("10.1.2.3", ["bob@example.org"], ["day, night-shift"], Viewer("", "bob@example.org", read_only=False)),
        ("10.1.2.3", [], ["night-shift"], None),
        ("10.1.2.3", ["ada@example.org", "bob@example.org"], [], None),
        ("10.1.2.3", [""], [], None),
        ("192.0.2.1", ["ada@example.org"], [], None),
        (None, ["ada@example.org"], [], None),
    ],
)
def test_a_trusted_proxy_alone_says_who_is_signed_in(
    peer: str | None, user: list[str], groups: list[str], found: Viewer | None
) -> None:
    viewers = ProxiedViewers(ControllerSettings(**PROXY))  # type: ignore[arg-type]
    headers = [(b"x-forwarded-user", one.encode()) for one in user]
    headers += [(b"x-forwarded-groups", one.encode()) for one in groups]
    assert viewers.viewer(peer, headers) == found


def test_without_a_trusted_proxy_no_header_says_anything() -> None:
    viewers = ProxiedViewers(ControllerSettings(console_operators="ada"))
    assert viewers.viewer("127.0.0.1", [(b"x-forwarded-user", b"ada")]) is None


OWN = [(b"host", b"understudy.example:8080"), (b"origin", b"https://understudy.example:8080")]


def test_the_consoles_own_pages_may_write() -> None:
    check_same_origin(OWN)
    check_same_origin([*OWN, (b"sec-fetch-site", b"same-origin")])


@pytest.mark.parametrize(
    "headers",
    [
        [OWN[0]],
        [OWN[0], (b"origin", b"https://evil.example")],
        [OWN[0], (b"origin", b"null")],
        [OWN[0], (b"origin", b"https://understudy.example")],
        [*OWN, (b"sec-fetch-site", b"cross-site")],
        [*OWN, (b"sec-fetch-site", b"same-site")],
        [],
    ],
)
def test_nobody_elses_page_does(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(RequestRefused) as refused:
        check_same_origin(headers)
    assert refused.value.reason is Reason.FOREIGN_ORIGIN
