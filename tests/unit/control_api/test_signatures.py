"""Signatures of requests to the control API: what is taken, and what is refused for which reason."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from support.signing import WRITER, Key, signed, signed_by_hand
from understudy_controller.authentication.authorization import HttpRequest, authorization_of
from understudy_controller.authentication.refusal import Reason, RequestRefused
from understudy_controller.authentication.signature import check_signature

HOST = "http://api.example:7070"
ARN = "arn%3Aaws%3Amediapackage%3Aus-east-1%3A000000000000%3Achannels%2Fabc"


def as_received(method: str, url: str, headers: dict[str, str]) -> HttpRequest:
    parts = urlsplit(url)
    return HttpRequest(method, parts.path, parts.query, [(name.lower(), value) for name, value in headers.items()])


def verify(request: HttpRequest, body: bytes = b"", *, key: Key = WRITER, now: datetime | None = None) -> None:
    """What the middleware does with a request that names a key it knows."""
    authorization = authorization_of(request, now=now or datetime.now(UTC))
    check_signature(request, body, authorization, SecretStr(key.secret))


def reason_of(check: Callable[[], object]) -> Reason:
    with pytest.raises(RequestRefused) as caught:
        check()
    assert caught.value.status == 403
    return caught.value.reason


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/channels", b""),
        ("GET", "/channels?maxResults=3&nextToken=a%2Fb%3D%3D", b""),
        ("GET", "/channels/a%2Fb%20c", b""),
        ("GET", "/channels/%2F", b""),
        ("GET", "/channels/%C3%A4", b""),
        ("POST", "/channels", b'{"id": "news"}'),
        ("GET", f"/tags/{ARN}", b""),
        ("DELETE", f"/tags/{ARN}?tagKeys=a%20b&tagKeys=A&tagKeys=%2B", b""),
        ("PUT", "/channels/news/credentials", b""),
    ],
)
def test_what_botocore_signs_is_taken(method: str, path: str, body: bytes) -> None:
    url = HOST + path
    verify(as_received(method, url, signed(method, url, body, headers={"User-Agent": "x"})), body)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "anything"])
def test_any_region_is_taken(region: str) -> None:
    verify(as_received("GET", f"{HOST}/channels", signed("GET", f"{HOST}/channels", region=region)))


def test_an_arn_whose_slash_a_proxy_has_decoded_is_taken() -> None:
    headers = signed("GET", f"{HOST}/tags/{ARN}")
    verify(as_received("GET", f"{HOST}/tags/{ARN.replace('%2F', '/')}", headers))
    verify(as_received("GET", f"{HOST}/tags/arn:aws:mediapackage:us-east-1:000000000000:channels/abc", headers))


def test_a_session_token_that_is_signed_does_not_matter() -> None:
    headers = signed("GET", f"{HOST}/channels", headers={"X-Amz-Security-Token": "t"})
    verify(as_received("GET", f"{HOST}/channels", headers))


def test_a_client_that_signs_other_headers_than_botocore_does_is_taken() -> None:
    timestamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    digest = hashlib.sha256(b"{}").hexdigest()
    names = "connection;host;user-agent;x-amz-content-sha256;x-amz-date"
    authorization = signed_by_hand(
        [
            *("PUT", "/channels/news", "", "connection:close", "host:api.example:7070", "user-agent:some tool"),
            *(f"x-amz-content-sha256:{digest}", f"x-amz-date:{timestamp}", "", names, digest),
        ],
        key=WRITER,
        timestamp=timestamp,
        signed_headers=names,
    )
    headers = {
        "Connection": "close",
        "Host": "api.example:7070",
        "User-Agent": "  some   tool ",
        "X-Amz-Date": timestamp,
        "X-Amz-Content-SHA256": digest,
        "Authorization": authorization,
        "Accept": "*/*",
    }
    verify(as_received("PUT", f"{HOST}/channels/news", headers), b"{}")


@pytest.mark.parametrize(
    "change",
    [
        lambda method, url, headers, body: ("PUT", url, headers, body),
        lambda method, url, headers, body: (method, f"{HOST}/channels?maxResults=3", headers, body),
        lambda method, url, headers, body: (method, f"{HOST}/origin_endpoints", headers, body),
        lambda method, url, headers, body: (method, url, headers, b'{"id": "other"}'),
        lambda method, url, headers, body: (method, url, headers, b""),
        lambda method, url, headers, body: (method, url, {**headers, "host": "evil.example"}, body),
        lambda method, url, headers, body: (method, url, {**headers, "x-signed": "other"}, body),
        lambda method, url, headers, body: (
            *(method, url),
            {**headers, "Authorization": headers["Authorization"].replace("us-east-1", "eu-west-1")},
            body,
        ),
    ],
    ids=["method", "query", "path", "body", "no body", "host", "a signed header", "region"],
)
def test_whatever_is_changed_on_the_way_is_noticed(change: Callable[..., tuple[Any, ...]]) -> None:
    url, body = f"{HOST}/channels", b'{"id": "news"}'
    headers = signed("POST", url, body, headers={"x-signed": "this"})
    verify(as_received("POST", url, headers), body)
    method, changed_url, changed_headers, changed_body = change("POST", url, headers, body)
    changed = as_received(method, changed_url, changed_headers)
    assert reason_of(lambda: verify(changed, changed_body)) is Reason.WRONG_SIGNATURE


def test_another_secret_is_refused() -> None:
    request = as_received("GET", f"{HOST}/channels", signed("GET", f"{HOST}/channels"))
    assert reason_of(lambda: verify(request, key=Key(WRITER.access_key_id, "x" * 40))) is Reason.WRONG_SIGNATURE


def test_a_body_whose_hash_was_sent_is_held_against_it() -> None:
    url = f"{HOST}/channels"
    for said, sent in ((hashlib.sha256(b"{}").hexdigest(), b'{"id": "x"}'), ("UNSIGNED-PAYLOAD", b"{}")):
        headers = signed("POST", url, b"{}", headers={"X-Amz-Content-SHA256": said})
        request = as_received("POST", url, headers)
        assert reason_of(lambda request=request, sent=sent: verify(request, sent)) is Reason.WRONG_BODY  # type: ignore[misc]


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (299, True), (-299, True), (302, False), (-302, False)])
def test_five_minutes_of_skew_are_allowed(seconds: int, taken: bool) -> None:
    request = as_received("GET", f"{HOST}/channels", signed("GET", f"{HOST}/channels"))
    signed_at = datetime.strptime(request.header("x-amz-date") or "", "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    now = signed_at + timedelta(seconds=seconds)
    if taken:
        verify(request, now=now)
    else:
        assert reason_of(lambda: verify(request, now=now)) is Reason.CLOCK_SKEW


GOOD = signed("GET", f"{HOST}/channels")


@pytest.mark.parametrize(
    ("headers", "query", "reason"),
    [
        ({"Authorization": None}, "", Reason.MISSING_SIGNATURE),
        ({}, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00", Reason.PRESIGNED),
        ({"Authorization": None}, "x-amz-signature=00", Reason.PRESIGNED),
        ({"Authorization": "Basic Zm9vOmJhcg=="}, "", Reason.MALFORMED),
        ({"Authorization": "Bearer t"}, "", Reason.MALFORMED),
        ({"Authorization": ""}, "", Reason.MALFORMED),
        ({"Authorization": GOOD["Authorization"].replace("HMAC", "ECDSA-P256")}, "", Reason.MALFORMED),
        ({"Authorization": GOOD["Authorization"][:-1]}, "", Reason.MALFORMED),
        ({"Authorization": GOOD["Authorization"] + ", more=1"}, "", Reason.MALFORMED),
        ({"Authorization": signed("GET", HOST, service="s3")["Authorization"]}, "", Reason.WRONG_SERVICE),
        ({"Authorization": GOOD["Authorization"].replace("host;", "")}, "", Reason.UNSIGNED_HEADER),
        ({"Authorization": GOOD["Authorization"].replace(";x-amz-date", "")}, "", Reason.UNSIGNED_HEADER),
        ({"Authorization": GOOD["Authorization"].replace("host;", "host;gone;")}, "", Reason.UNSIGNED_HEADER),
        (
            {"Authorization": GOOD["Authorization"].replace("host;", f"host;{';'.join(map(str, range(64)))};")},
            "",
            Reason.MALFORMED,
        ),
        ({"X-Amz-Security-Token": "t"}, "", Reason.UNSIGNED_HEADER),
        ({"X-Amz-Content-SHA256": "0" * 64}, "", Reason.UNSIGNED_HEADER),
        ({"X-Amz-Date": "yesterday"}, "", Reason.MALFORMED),
        ({"X-Amz-Date": "20200101T000000Z"}, "", Reason.MALFORMED),
        ({"x-amz-date": "20200101T000000Z"}, "", Reason.MALFORMED),
        ({"X-Amz-Date": None}, "", Reason.UNSIGNED_HEADER),
    ],
)
def test_what_is_no_signature_of_ours_is_refused_before_any_key_is_looked_up(
    headers: dict[str, str | None], query: str, reason: Reason
) -> None:
    sent = {name: value for name, value in {**GOOD, **headers}.items() if value is not None}
    request = as_received("GET", f"{HOST}/channels?{query}", sent)
    assert reason_of(lambda: authorization_of(request, now=datetime.now(UTC))) is reason


def test_a_secret_shows_in_no_repr() -> None:
    from understudy_controller.authentication.signature import _Credentials

    assert WRITER.secret not in repr(_Credentials(SecretStr(WRITER.secret), "id"))
