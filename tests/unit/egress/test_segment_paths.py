"""Paths of output segments: one for each."""

from __future__ import annotations

import pytest

from understudy_domain import keys
from understudy_domain.errors import MalformedKey

BASE = f"/out/v1/{'0a' * 16}/"


@pytest.mark.parametrize("media_sequence", [0, 7, 10, 999_999_999_999])
def test_a_published_path_is_read_as_it_was_written(media_sequence: int) -> None:
    name = keys.segment_name("v1", media_sequence, rendering_version=12)
    parsed = keys.parse_segment_path(BASE + name)
    assert (parsed.rendition, parsed.media_sequence, parsed.rendering_version) == ("v1", media_sequence, 12)


@pytest.mark.parametrize(
    "name", ["r1/v1/07.ts", "r01/v1/7.ts", "r1/v1/00.ts", "r1/v1/\u0667.ts", "r1/v1/-7.ts", "r1//7.ts"]
)
def test_a_segment_has_no_second_path(name: str) -> None:
    with pytest.raises(MalformedKey):
        keys.parse_segment_path(BASE + name)
