"""What request headers ask for."""

from __future__ import annotations

import tracemalloc

import pytest

from understudy_egress.conditions import RangeNotSatisfiable, accepts_gzip, is_not_modified, requested_range


@pytest.mark.parametrize(
    ("value", "accepts"),
    [
        (None, False),
        (b"", False),
        (b"gzip", True),
        (b"GZIP", True),
        (b"deflate, gzip;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000", False),
        (b"gzip;q=0.001", True),
        (b"identity, br", False),
        (b"*", True),
        (b"*;q=0", False),
        (b"gzip;q=0, *", False),
        (b"x-gzip", True),
        (b"notgzip", False),
    ],
)
def test_gzip_goes_to_those_who_take_it(value: bytes | None, accepts: bool) -> None:
    assert accepts_gzip(value) is accepts


def test_long_words_on_encodings_are_understood_and_not_kept_in_memory() -> None:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        assert all(accepts_gzip(b"gzip" + b" " * 10_000 + b";q=1, x%d" % number) for number in range(200))
        assert tracemalloc.get_traced_memory()[0] - before < 500_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("value", "not_modified"),
    [
        (None, False),
        (b'"a"', True),
        (b'W/"a"', True),
        (b'"b", "a"', True),
        (b"*", True),
        (b'"b"', False),
        (b'"a-gzip"', False),
        (b"a", False),
        (b"", False),
    ],
)
def test_a_version_that_the_client_has_is_not_sent_again(value: bytes | None, not_modified: bool) -> None:
    assert is_not_modified(value, b'"a"') is not_modified


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (None, None),
        (b"bytes=0-0", (0, 1)),
        (b"bytes=10-", (10, 100)),
        (b"bytes=-10", (90, 100)),
        (b"bytes=-1000", (0, 100)),
        (b"bytes=90-1000", (90, 100)),
        (b"bytes=0-1,5-6", None),
        (b"bytes=6-5", None),
        (b"bytes=-", None),
        (b"bytes=a-b", None),
        (b"lines=0-1", None),
    ],
)
def test_a_part_is_what_one_range_says(value: bytes | None, part: tuple[int, int] | None) -> None:
    assert requested_range(value, if_range=None, etag=b'"a"', size=100) == part


@pytest.mark.parametrize("value", [b"bytes=100-", b"bytes=100-200", b"bytes=-0"])
def test_a_range_behind_the_end_is_refused(value: bytes) -> None:
    with pytest.raises(RangeNotSatisfiable):
        requested_range(value, if_range=None, etag=b'"a"', size=100)


def test_a_range_of_another_version_is_the_whole() -> None:
    assert requested_range(b"bytes=0-0", if_range=b'"b"', etag=b'"a"', size=100) is None
    assert requested_range(b"bytes=0-0", if_range=b'W/"a"', etag=b'"a"', size=100) is None
    assert requested_range(b"bytes=0-0", if_range=b'"a"', etag=b'"a"', size=100) == (0, 1)


@pytest.mark.parametrize("shown", [b'W/"a-gzip"', b'"a-gzip"', b'"b", W/"a-gzip"', b"*"])
def test_a_weak_entity_tag_is_compared_by_what_it_says(shown: bytes) -> None:
    assert is_not_modified(shown, b'W/"a-gzip"')
    assert not is_not_modified(b'"a"', b'W/"a-gzip"')
