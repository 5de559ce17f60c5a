"""What the multivariant playlist makes of measurements that are odd."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.program_entries import make_audio, make_endpoint, make_entry, make_piece, make_video
from understudy_domain.entry import EntryRendition
from understudy_domain.multivariant import render_multivariant


def rendered(*renditions: EntryRendition) -> str:
    return render_multivariant(make_endpoint(), make_entry(0, renditions=renditions))


@pytest.mark.parametrize(
    ("frame_rate", "written"),
    [
        ("25", "FRAME-RATE=25.000,"),
        ("30000/1001", "FRAME-RATE=29.970,"),
        ("50", "FRAME-RATE=50.000,"),
        (None, ""),
        ("0/0", ""),
        ("fast", ""),
    ],
)
def test_a_frame_rate_is_a_decimal_or_absent(frame_rate: str | None, written: str) -> None:
    text = rendered(replace(make_video(make_piece(0)), frame_rate=frame_rate))
    assert f"RESOLUTION=1280x720,{written}CODECS=" in text


def test_unknown_codecs_and_sizes_are_left_out() -> None:
    text = rendered(replace(make_video(make_piece(0)), codecs=(), width=None, frame_rate=None))
    assert "#EXT-X-STREAM-INF:BANDWIDTH=2000000\n" in text


def test_one_default_in_a_group() -> None:
    audio = make_audio(make_piece(0))
    text = rendered(make_video(make_piece(0), audio_group="audio"), audio, replace(audio, rendition="a2"))
    assert text.count("DEFAULT=YES") == 1


def test_a_variant_names_only_a_group_that_is_there() -> None:
    text = rendered(make_video(make_piece(0), audio_group="missing"), make_audio(make_piece(0)))
    assert 'AUDIO="' not in text
    assert "BANDWIDTH=2000000," in text


def test_a_group_is_listed_while_a_variant_names_it() -> None:
    kept = make_audio(make_piece(0), rendition="a1", audio_group="small")
    left = make_audio(make_piece(0), rendition="a2", audio_group="large")
    text = rendered(make_video(make_piece(0), audio_group="small"), kept, left)
    assert text.count("#EXT-X-MEDIA:") == 1
    assert 'GROUP-ID="small"' in text


def test_where_the_default_of_a_group_is_left_out_another_is_played() -> None:
    asked_for = replace(make_audio(make_piece(0)), default=False, autoselect=False)
    text = rendered(make_video(make_piece(0), audio_group="audio"), asked_for, replace(asked_for, rendition="a2"))
    (first, second) = [line for line in text.splitlines() if line.startswith("#EXT-X-MEDIA:")]
    assert "DEFAULT=YES,AUTOSELECT=YES" in first
    assert "YES" not in second


def test_a_group_of_which_a_player_may_choose_needs_no_default() -> None:
    chosen = replace(make_audio(make_piece(0)), default=False, autoselect=True)
    text = rendered(make_video(make_piece(0), audio_group="audio"), chosen)
    assert "DEFAULT=YES" not in text
