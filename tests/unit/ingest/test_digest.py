"""Credentials, without a server: nonces carry all that is needed to check them."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from understudy_domain import ticks
from understudy_domain.channel import FormerCredentials, IngestEndpoint
from understudy_ingest.digest import Credentials, Request
from understudy_ingest.errors import Unauthorized

ENDPOINT = IngestEndpoint("a" * 32, "user", "pass:word")
PATH = "/in/v2/x/1 a.ts"
URI = "/in/v2/x/1%20a.ts?token=1"
NOW = 1_800_000_000.0


def _credentials(endpoint: IngestEndpoint = ENDPOINT) -> Credentials:
    return Credentials(endpoint, nonce_seconds=300)


def _nonce(credentials: Credentials, *, now: float = NOW) -> str:
    digest, basic = credentials.challenges(now_seconds=now, stale=False)
    assert basic.startswith("Basic realm=")
    match = re.fullmatch(r'Digest realm="understudy", nonce="([^"]+)", algorithm=MD5, qop="auth"', digest)
    assert match is not None
    return match[1]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def _header(nonce: str, *, qop: str | None = "auth", algorithm: str | None = "MD5", password: str = "pass:word") -> str:
    first = _md5(f"user:understudy:{password}")
    if algorithm == "MD5-sess":
        first = _md5(f"{first}:{nonce}:c0ffee")
    second = _md5(f"PUT:{URI}")
    middle = f"{nonce}:00000001:c0ffee:{qop}" if qop else nonce
    response = _md5(f"{first}:{middle}:{second}")
    header = f'Digest username="user", realm="understudy", nonce="{nonce}", uri="{URI}", response="{response}"'
    if algorithm:
        header += f", algorithm={algorithm}"
    return header + (f', qop="{qop}", nc=00000001, cnonce="c0ffee"' if qop else "")


def _request(authorization: str | None, *, method: str = "PUT", path: str = PATH) -> Request:
    return Request(method, path, authorization)


@pytest.mark.parametrize(
    ("qop", "algorithm"), [("auth", "MD5"), ("auth", None), (None, "MD5"), (None, None), ("auth", "MD5-sess")]
)
def test_every_form_that_clients_use_is_accepted_by_any_process(qop: str | None, algorithm: str | None) -> None:
    nonce = _nonce(_credentials())
    header = _header(nonce, qop=qop, algorithm=algorithm)
    assert _credentials().check(_request(header), now_seconds=NOW + 1) == nonce


def test_a_header_longer_than_any_client_sends_is_not_read_even_if_it_is_right() -> None:
    credentials = _credentials()
    header = _header(_nonce(credentials))
    for more in (' "x"' * 500, " " * 4_096):
        assert _accepts(credentials, header + more, now=NOW) is (len(header + more) <= 4_096)


def test_an_old_nonce_is_stale_but_not_on_the_connection_it_was_accepted_on() -> None:
    credentials = _credentials()
    nonce = _nonce(credentials)
    with pytest.raises(Unauthorized) as refused:
        credentials.check(_request(_header(nonce)), now_seconds=NOW + 301)
    assert refused.value.stale
    assert "stale=true" in credentials.challenges(now_seconds=NOW, stale=True)[0]
    assert credentials.check(_request(_header(nonce)), now_seconds=NOW + 301, accepted_nonce=nonce) == nonce


def test_a_nonce_that_nobody_gave_out_is_stale() -> None:
    invented = "6b49d200-0000000000000000-" + "0" * 32
    other = _nonce(_credentials(IngestEndpoint("b" * 32, "user", "other")))
    for nonce in (invented, other, "x"):
        with pytest.raises(Unauthorized) as refused:
            _credentials().check(_request(_header(nonce)), now_seconds=NOW)
        assert refused.value.stale


def test_wrong_credentials_are_refused_for_good() -> None:
    credentials = _credentials()
    nonce = _nonce(credentials)
    right = _header(nonce)
    wrong = [
        None,
        "",
        "Bearer x",
        "Digest",
        "Digest nonce=",
        'Digest nonce="x", uri="//["',
        _header(nonce, password="guess"),
        right.replace('username="user"', 'username="root"'),
        right.replace('qop="auth"', 'qop="auth-int"'),
        _header(nonce, algorithm="SHA-256"),
        "Basic " + base64.b64encode(b"user:guess").decode(),
        "Basic ???",
    ]
    for header in wrong:
        with pytest.raises(Unauthorized) as refused:
            credentials.check(_request(header), now_seconds=NOW)
        assert not refused.value.stale, header


def test_digest_credentials_are_good_for_their_own_request_only() -> None:
    credentials = _credentials()
    header = _header(_nonce(credentials))
    for request in (_request(header, method="DELETE"), _request(header, path="/in/v2/x/2.ts")):
        with pytest.raises(Unauthorized):
            credentials.check(request, now_seconds=NOW)


def test_basic_credentials_may_hold_colons() -> None:
    header = "basic " + base64.b64encode(b"user:pass:word").decode()
    assert _credentials().check(_request(header), now_seconds=NOW) is None


# --- after a rotation -------------------------------------------------------------------------------------------------

ROTATED = IngestEndpoint(
    ENDPOINT.id, "fresh", "new", FormerCredentials("user", "pass:word", ticks.from_seconds(int(NOW) + 60))
)
WITHOUT_GRACE = IngestEndpoint(ENDPOINT.id, "fresh", "new")


def _accepts(credentials: Credentials, header: str, *, now: float) -> bool:
    try:
        credentials.check(_request(header), now_seconds=now)
    except Unauthorized:
        return False
    return True


def test_the_former_pair_works_until_its_time_is_over() -> None:
    rotated = _credentials(ROTATED)
    basic = "Basic " + base64.b64encode(b"user:pass:word").decode()
    for header in (_header(_nonce(_credentials())), _header(_nonce(rotated)), basic):
        assert _accepts(rotated, header, now=NOW + 59)
        assert not _accepts(rotated, header, now=NOW + 60)


def test_the_new_pair_works_at_once_and_for_good() -> None:
    rotated = _credentials(ROTATED)
    header = "Basic " + base64.b64encode(b"fresh:new").decode()
    assert _accepts(rotated, header, now=NOW)
    assert _accepts(rotated, header, now=NOW + 61)


def test_without_a_grace_period_the_former_pair_is_wrong_at_once_also_on_a_kept_connection() -> None:
    nonce = _nonce(_credentials())
    with pytest.raises(Unauthorized) as refused:
        _credentials(WITHOUT_GRACE).check(_request(_header(nonce)), now_seconds=NOW, accepted_nonce=nonce)
    assert not refused.value.stale


def test_the_halves_of_two_pairs_make_none() -> None:
    rotated = _credentials(ROTATED)
    for pair in (b"user:new", b"fresh:pass:word"):
        assert not _accepts(rotated, "Basic " + base64.b64encode(pair).decode(), now=NOW)
    mixed = _header(_nonce(rotated), password="new")
    assert not _accepts(rotated, mixed, now=NOW)


def test_no_password_shows_in_what_a_channel_looks_like_in_a_log() -> None:
    assert "new" not in repr(ROTATED)
    assert "pass:word" not in repr(ROTATED)
