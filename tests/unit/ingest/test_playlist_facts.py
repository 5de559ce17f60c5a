"""Encoders' playlists to facts, and what of them is news."""

from __future__ import annotations

import asyncio

import pytest

from understudy_domain import codec, keys, ticks
from understudy_domain.errors import EncryptedInput, NotAPlaylist
from understudy_domain.facts import MultivariantArrived, PlaylistArrived
from understudy_ingest.errors import BodyTooLarge, ForeignPath, UnsupportedMedia
from understudy_ingest.playlists import PlaylistFact, PlaylistRelay, read_playlist
from understudy_ingest.source_path import resolve

GUID, INGEST = "a" * 32, "b" * 32
BASE = f"/in/v2/{GUID}/{INGEST}"
PATH = keys.IngestPath(GUID, INGEST, "high/index.m3u8")
HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"


def _media(text: str, path: keys.IngestPath = PATH) -> PlaylistArrived:
    fact = read_playlist(f"{HEAD}{text}".encode(), path)
    assert isinstance(fact, PlaylistArrived)
    return fact


def test_a_date_is_carried_on_by_durations_until_the_next_date_or_discontinuity() -> None:
    noon = "2026-11-23T12:00:00Z"
    lines = _media(
        f"#EXTINF:2,\n0.ts\n#EXT-X-PROGRAM-DATE-TIME:{noon}\n#EXTINF:2.002,\n1.ts\n#EXTINF:2,\n2.ts\n"
        "#EXT-X-DISCONTINUITY\n#EXTINF:2,\n3.ts\n"
    ).lines
    start = ticks.from_seconds(1_795_435_200)
    assert [line.program_date_time for line in lines] == [None, start, start + 180_180, None]
    assert [line.discontinuity for line in lines] == [False, False, False, True]


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("1.ts", "high/1.ts"),
        ("1%20a.ts?x=y#z", "high/1 a.ts"),
        ("./a/../1.ts", "high/1.ts"),
        ("../1.ts", "1.ts"),
        (f"{BASE}/low/1.ts", "low/1.ts"),
        (f"http://elsewhere.example:81{BASE}/1.ts", "1.ts"),
    ],
)
def test_names_in_a_playlist_are_relative_to_it(uri: str, name: str) -> None:
    assert resolve(uri, playlist=PATH) == name


@pytest.mark.parametrize("uri", ["../1.ts", "/in/v1/news-1/1.ts", "http://elsewhere.example/in/v1/news-1/1.ts"])
def test_names_in_a_playlist_that_came_by_the_old_form_of_url_are_in_that_form(uri: str) -> None:
    assert resolve(uri, playlist=keys.OldIngestPath("news-1", "high/index.m3u8")) == "1.ts"


@pytest.mark.parametrize(
    "uri",
    [
        "../../1.ts",
        "../../../../../../1.ts",
        "/1.ts",
        "http://cdn.example/1.ts",
        "..",
        "a//b.ts",
        "data:x",
        "http:1",
        "//[a.ts",
    ],
)
def test_names_that_lead_out_of_the_input_are_refused(uri: str) -> None:
    with pytest.raises(ForeignPath, match="not under its input URL"):
        resolve(uri, playlist=PATH)


def test_what_cannot_be_used_is_refused_with_a_reason() -> None:
    segment = "#EXTINF:2,\n1.ts\n"
    for text, error in (
        (f"#EXT-X-KEY:METHOD=SAMPLE-AES\n{segment}", EncryptedInput),
        (f"#EXT-X-BYTERANGE:1@0\n{segment}", UnsupportedMedia),
        (f'#EXT-X-MAP:URI="i.mp4"\n{segment}', UnsupportedMedia),
        ("#EXTINF:x,\n1.ts\n", NotAPlaylist),
    ):
        with pytest.raises(error):
            _media(text)
    with pytest.raises(NotAPlaylist, match="UTF-8"):
        read_playlist(b"#EXTM3U\n\xff", PATH)


def test_a_multivariant_playlist_names_renditions_by_their_paths() -> None:
    fact = read_playlist(
        b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=a,RESOLUTION=640x360\nv/1.m3u8\n"
        b'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",URI="a/en.m3u8",DEFAULT=YES\n'
        b'#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="cc",INSTREAM-ID="CC1"\n',
        keys.IngestPath(GUID, INGEST, "channel.m3u8"),
    )
    assert isinstance(fact, MultivariantArrived)
    assert (fact.variants[0].path, fact.variants[0].audio_group, fact.variants[0].width) == ("v/1.m3u8", "a", 640)
    assert [(item.path, item.default) for item in fact.renditions] == [("a/en.m3u8", True), (None, False)]


class _Published:
    def __init__(self) -> None:
        self.facts: list[PlaylistFact] = []
        self.fails = False

    async def __call__(self, fact: PlaylistFact) -> None:
        await asyncio.sleep(0)
        if self.fails:
            raise OSError
        self.facts.append(fact)

    def lines(self) -> list[list[str]]:
        return [[line.path for line in fact.lines] for fact in self.facts if isinstance(fact, PlaylistArrived)]


def _window(first: int, last: int, *, tail: str = "") -> PlaylistArrived:
    lines = "".join(f"#EXTINF:2,\n{number}.ts\n" for number in range(first, last + 1))
    return _media(f"#EXT-X-MEDIA-SEQUENCE:{first}\n{lines}{tail}")


async def test_only_new_lines_are_sent_on() -> None:
    relay, published = PlaylistRelay(), _Published()
    for fact in (_window(1, 3), _window(1, 3), _window(2, 4), _window(3, 4), _window(3, 4, tail="#EXT-X-ENDLIST\n")):
        await relay.relay(fact, PATH, published)
    assert published.lines() == [["high/1.ts", "high/2.ts", "high/3.ts"], ["high/4.ts"], []]
    assert [fact.ended for fact in published.facts if isinstance(fact, PlaylistArrived)] == [False, False, True]


async def test_a_playlist_that_has_ended_and_goes_on_is_news_without_a_new_line() -> None:
    relay, published = PlaylistRelay(), _Published()
    end = "#EXT-X-ENDLIST\n"
    for tail in ("", end, end, "", "", end):
        await relay.relay(_window(1, 3, tail=tail), PATH, published)
    assert published.lines() == [["high/1.ts", "high/2.ts", "high/3.ts"], [], [], []]
    assert [fact.ended for fact in published.facts if isinstance(fact, PlaylistArrived)] == [False, True, False, True]


@pytest.mark.parametrize("place", [0, 3, 2_000])
async def test_the_end_of_a_list_that_only_grew_is_read_wherever_it_stands(place: int) -> None:
    relay, published = PlaylistRelay(), _Published()
    segments = [f"#EXTINF:2,\n{number}.ts\n" for number in range(2_000)]
    segments.insert(place, "#EXT-X-ENDLIST\n")
    await relay.relay(_media("".join(segments)), PATH, published)
    assert [fact.ended for fact in published.facts if isinstance(fact, PlaylistArrived)][-1]


async def test_what_could_not_be_published_is_new_again() -> None:
    relay, published = PlaylistRelay(), _Published()
    published.fails = True
    with pytest.raises(OSError):
        await relay.relay(_window(1, 2), PATH, published)
    published.fails = False
    await relay.relay(_window(1, 3), PATH, published)
    assert published.lines() == [["high/1.ts", "high/2.ts", "high/3.ts"]]


async def test_numbers_that_run_backwards_are_news() -> None:
    relay, published = PlaylistRelay(), _Published()
    await relay.relay(_window(7, 8), PATH, published)
    await relay.relay(_window(0, 0), PATH, published)
    await relay.relay(_window(7, 8), PATH, published)
    assert published.lines() == [["high/7.ts", "high/8.ts"], ["high/0.ts"], ["high/7.ts", "high/8.ts"]]


async def test_a_date_that_comes_a_rounding_later_is_no_news() -> None:
    relay, published = PlaylistRelay(), _Published()
    dated = "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T12:00:0{}Z\n"
    await relay.relay(_media(f"{dated.format('0.000')}#EXTINF:2.002,\n1.ts\n#EXTINF:2,\n2.ts\n"), PATH, published)
    fact = _media(f"#EXT-X-MEDIA-SEQUENCE:1\n{dated.format('2.003')}#EXTINF:2,\n2.ts\n")
    await relay.relay(fact, PATH, published)
    assert published.lines() == [["high/1.ts", "high/2.ts"]]


async def test_a_long_playlist_is_sent_on_in_parts_and_ends_with_the_last() -> None:
    relay, published = PlaylistRelay(), _Published()
    await relay.relay(_window(0, 449, tail="#EXT-X-ENDLIST\n"), PATH, published)
    assert [len(lines) for lines in published.lines()] == [200, 200, 50]
    assert [fact.ended for fact in published.facts if isinstance(fact, PlaylistArrived)] == [False, False, True]


async def test_a_part_of_the_longest_names_fits_into_one_message_of_nats() -> None:
    relay, published = PlaylistRelay(), _Published()
    text = "".join(f"#EXTINF:2,\n{number:03d}{chr(0x1F3AC) * 1_010}.ts\n" for number in range(450))
    await relay.relay(_media(text), PATH, published)
    assert max(len(codec.encode(fact)) for fact in published.facts) < 1 << 20


async def test_of_a_list_that_only_grows_the_newest_lines_are_read_and_keep_their_numbers() -> None:
    relay, published = PlaylistRelay(), _Published()
    head = "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T12:00:00Z\n"
    segments = [f"#EXTINF:2,\n#EXT-X-DATERANGE:ID=x\n{number}.ts\n" for number in range(7, 2_008)]
    for count in (499, 500, 501, 502, 2_000):
        await relay.relay(_media(head + "".join(segments[:count])), PATH, published)
    numbers = [
        line.source_sequence for fact in published.facts if isinstance(fact, PlaylistArrived) for line in fact.lines
    ]
    assert numbers == [*range(7, 7 + 502), *range(7 + 1_500, 7 + 2_000)]
    assert published.lines()[-1][-1] == "high/2006.ts"


@pytest.mark.parametrize("tag", ['#EXT-X-KEY:METHOD=AES-128,URI="k"', '#EXT-X-MAP:URI="i.mp4"'])
def test_what_an_old_line_says_of_all_that_follow_is_not_forgotten(tag: str) -> None:
    with pytest.raises((EncryptedInput, UnsupportedMedia)):
        _media(f"{tag}\n" + "#EXTINF:2,\n1.ts\n" * 600)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"#EXT-X-STREAM-INF:BANDWIDTH=1\n{number}.m3u8\n" for number in range(101)),
        f'#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="{"x" * 300_000}"\n1.m3u8\n',
    ],
    ids=["many", "large"],
)
def test_a_multivariant_playlist_that_no_message_could_hold_is_refused(text: str) -> None:
    with pytest.raises(BodyTooLarge, match="100 variants"):
        read_playlist(f"#EXTM3U\n{text}".encode(), PATH)


async def test_playlists_of_one_name_are_sent_on_in_the_order_they_came() -> None:
    relay, published = PlaylistRelay(), _Published()
    await asyncio.gather(*(relay.relay(_window(0, last), PATH, published) for last in range(5)))
    assert published.lines() == [[f"high/{number}.ts"] for number in range(5)]


async def test_what_is_remembered_is_bounded_and_goes_with_the_channel() -> None:
    relay, published = PlaylistRelay(known_max=2), _Published()
    for name in ("a", "b", "c"):
        await relay.relay(_window(1, 1), keys.IngestPath(GUID, INGEST, f"{name}.m3u8"), published)
    assert len(relay._known) == 2
    relay.forget(GUID)
    assert not relay._known
