"""What others write is read at a cost that grows with its length, and means what it meant to simpler readers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.cost import grows_no_faster_than_its_input
from understudy_controller.authentication.authorization import HttpRequest, authorization_of
from understudy_domain import ticks
from understudy_domain.channel import IngestEndpoint
from understudy_domain.errors import NotAPlaylist, UnderstudyError
from understudy_domain.hls.attribute_list import parse_attribute_list
from understudy_domain.manifest_filter import parse_manifest_filter
from understudy_domain.playlist_request import means_something, parse_playlist_request
from understudy_domain.sources import name_form
from understudy_egress.conditions import accepts_gzip, is_not_modified, requested_range
from understudy_ingest.digest import Credentials, Request
from understudy_ingest.newest_lines import newest_lines
from understudy_runtime.client_address import TrustedProxies

_LAST_COUNTER = re.compile(r"\d+(?=\D*$)")
_ATTRIBUTE = re.compile(r'\s*([A-Za-z0-9_-]+)\s*=\s*(?:"([^"]*)"|([^",]*))\s*(?:,|$)')
_CREDENTIALS = Credentials(IngestEndpoint("a" * 32, "user", "word"), nonce_seconds=300)
_PROXIES = TrustedProxies.parse("10.0.0.0/8")
_GUID = "0" * 32


@given(st.text("01a٣/.\n", max_size=12))
def test_the_form_of_a_name_is_what_is_left_without_its_last_run_of_digits(path: str) -> None:
    folder, slash, name = path.rpartition("/")
    assert name_form(path) == folder + slash + _LAST_COUNTER.sub("#", name)


@given(st.text('aB1-= \t\n",;', max_size=16))
@example('A= "x" ,B= y ')
@example('A="x"\n')
def test_an_attribute_list_reads_as_with_every_way_to_share_its_blanks_tried(text: str) -> None:
    expected: dict[str, str] | None = {}
    position = 0
    while expected is not None and position < len(text):
        match = _ATTRIBUTE.match(text, position)
        if match is None:
            expected = None
            break
        expected[match[1]] = match[3].strip() if match[2] is None else match[2]
        position = match.end()
    read: dict[str, str] | None = None
    with contextlib.suppress(NotAPlaylist):
        read = parse_attribute_list(text)
    assert read == expected


def _authorize(header: str) -> None:
    _CREDENTIALS.check(Request("PUT", "/in", header), now_seconds=0.0)


def _sign(header: str) -> None:
    request = HttpRequest("GET", "/channels", "", [("authorization", header)])
    authorization_of(request, now=ticks.to_datetime(0))


def _client(forwarded: str) -> None:
    _PROXIES.client("10.0.0.1", [(b"x-forwarded-for", forwarded.encode())])


_SCOPE = "AWS4-HMAC-SHA256 Credential="
_CASES: list[tuple[str, Callable[[str], object], Callable[[int], str], int]] = [
    ("a word after Digest", _authorize, lambda size: "Digest " + "a" * size, 500),
    ("blanks after Digest", _authorize, lambda size: "Digest a" + " " * size, 500),
    ("words after Digest", _authorize, lambda size: "Digest " + "a " * (size // 2), 500),
    ("open quotes after Digest", _authorize, lambda size: "Digest " + 'a="\\' * (size // 4), 500),
    ("a longer Authorization than any", _authorize, lambda size: "Digest " + 'a="b",' * size, 2_000),
    ("a name of other digits", name_form, lambda size: "1a" * size, 400),
    ("a name of one run of digits", name_form, lambda size: "1" * size + "a1", 100),
    ("blanks in an attribute", parse_attribute_list, lambda size: "A=" + " " * size + '"x', 60),
    ("blanks before an attribute", parse_attribute_list, lambda size: " " * size + "=", 400),
    ("blanks after an attribute's name", parse_attribute_list, lambda size: "A" + " " * size + '"', 400),
    ("many attributes", parse_attribute_list, lambda size: "A=1," * size + '"', 400),
    ("segments without a name", newest_lines, lambda size: "#EXTM3U\n" + "#EXTINF:1\n" * (size + 500), 500),
    ("a head of media sequences", newest_lines, lambda size: "\n#EXT-X-MEDIA-SEQUENCE: \t" * size, 500),
    ("a filter of open ends", parse_manifest_filter, lambda size: "video_height:1-" * (size // 15), 128),
    ("a query of parameters", lambda text: means_something(text.encode()), lambda size: "&a" * size, 1_000),
    ("a query without an end", lambda text: means_something(text.encode()), lambda size: "&" + "a" * size, 1_000),
    ("a path of folders", parse_playlist_request, lambda size: f"/out/v1/{_GUID}/" + "a/" * size, 500),
    ("escapes in a query", lambda text: parse_playlist_request(f"/out/v1/{_GUID}/index.m3u8", text), "%2".__mul__, 500),
    ("open entity tags", lambda text: is_not_modified(text.encode(), b'"x"'), 'W/"'.__mul__, 1_000),
    ("encodings", lambda text: accepts_gzip(text.encode()), lambda size: ";q=" * size + ",gzip" * size, 500),
    (
        "a range of blanks",
        lambda text: requested_range(text.encode(), if_range=None, etag=b"", size=1),
        lambda size: "bytes=" + " \t" * size + "-x",
        500,
    ),
    ("proxies that were passed", _client, lambda size: "10.0.0.2," * size, 200),
    ("a signature's blanks", _sign, lambda size: _SCOPE + "a" + " " * size, 500),
    ("a signature's slashes", _sign, lambda size: _SCOPE + "a/" * size, 500),
    (
        "a signature over many headers",
        _sign,
        lambda size: (
            f"{_SCOPE}a/20270115/r/mediapackage/aws4_request, SignedHeaders={';'.join(map(str, range(size)))}, "
            f"Signature={'0' * 64}"
        ),
        500,
    ),
]


@pytest.mark.parametrize(("read", "written", "size"), [case[1:] for case in _CASES], ids=[case[0] for case in _CASES])
def test_reading_costs_no_more_than_the_length_of_what_is_read(
    read: Callable[[str], object], written: Callable[[int], str], size: int
) -> None:
    texts = {count: written(count) for count in (size, 8 * size)}

    def work(count: int) -> None:
        with contextlib.suppress(UnderstudyError):
            read(texts[count])

    assert grows_no_faster_than_its_input(work, size=size)
