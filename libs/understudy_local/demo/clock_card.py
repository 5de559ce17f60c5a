"""A test picture that depends on the time of day alone, so that any two encoders make the same one.

FFmpeg's own test sources count from when they were started. Here everything that moves is a function of the frame's
number in its day (UTC): the hue, a hand, and a clock that is cut out of a strip of digits. The strip is drawn here:
``drawtext`` would need a font, and which fonts a machine has nobody knows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 360
FRAMES_PER_SECOND: Final = 25

_FRAMES_PER_DAY: Final = 86_400 * FRAMES_PER_SECOND

_GLYPH_WIDTH: Final = 28
_GLYPH_HEIGHT: Final = 48
_STROKE: Final = 6
_BLACK: Final = 16
_WHITE: Final = 235
_COLON: Final = 10
"""The place of the colon in the strip, after the ten digits."""

# The seven segments of a digit, as rectangles (left, top, right, bottom), and which of them each digit shows.
_MIDDLE: Final = (_GLYPH_HEIGHT - _STROKE) // 2
_LEFT: Final = 2
_RIGHT: Final = _GLYPH_WIDTH - 4
_SEGMENTS: Final = {
    "a": (_LEFT, 0, _RIGHT, _STROKE),
    "b": (_RIGHT - _STROKE, 0, _RIGHT, _MIDDLE + _STROKE),
    "c": (_RIGHT - _STROKE, _MIDDLE, _RIGHT, _GLYPH_HEIGHT),
    "d": (_LEFT, _GLYPH_HEIGHT - _STROKE, _RIGHT, _GLYPH_HEIGHT),
    "e": (_LEFT, _MIDDLE, _LEFT + _STROKE, _GLYPH_HEIGHT),
    "f": (_LEFT, 0, _LEFT + _STROKE, _MIDDLE + _STROKE),
    "g": (_LEFT, _MIDDLE, _RIGHT, _MIDDLE + _STROKE),
    "upper dot": (11, 12, 11 + _STROKE, 12 + _STROKE),
    "lower dot": (11, 30, 11 + _STROKE, 30 + _STROKE),
}
_GLYPHS: Final = (
    *map(tuple, ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")),
    ("upper dot", "lower dot"),
)

# The clock's places, as expressions of k, the number of the frame in its day: HH:MM:SS:FF.
_PLACES: Final = (
    "floor(k/900000)",
    "mod(floor(k/90000),10)",
    f"{_COLON}",
    "mod(floor(k/15000),6)",
    "mod(floor(k/1500),10)",
    f"{_COLON}",
    "mod(floor(k/250),6)",
    "mod(floor(k/25),10)",
    f"{_COLON}",
    "floor(mod(k,25)/10)",
    "mod(mod(k,25),10)",
)


def write_digits(path: Path) -> None:
    """Write the strip of digits, one below the other, as a greyscale image (PGM)."""
    rows: list[bytes] = []
    for glyph in _GLYPHS:
        canvas = [bytearray([_BLACK]) * _GLYPH_WIDTH for _ in range(_GLYPH_HEIGHT)]
        for segment in glyph:
            left, top, right, bottom = _SEGMENTS[segment]
            for row in canvas[top:bottom]:
                row[left:right] = bytes([_WHITE]) * (right - left)
        rows.extend(map(bytes, canvas))
    path.write_bytes(b"P5 %d %d 255\n" % (_GLYPH_WIDTH, len(rows)) + b"".join(rows))


def filter_graph(start_seconds: int) -> str:
    """The FFmpeg filter graph from colour bars (input 0) and the strip (input 1) to ``[picture]``.

    Args:
        start_seconds: the instant of the first frame, whole seconds since the epoch.
    """
    first = start_seconds * FRAMES_PER_SECOND % _FRAMES_PER_DAY
    frame = f"mod(n+{first},{_FRAMES_PER_DAY})"
    places = range(len(_PLACES))
    strips = "".join(f"[strip{place}]" for place in places)
    shown = "".join(f"[place{place}]" for place in places)
    cuts = [
        f"[strip{place}]crop=w={_GLYPH_WIDTH}:h={_GLYPH_HEIGHT}:x=0:"
        f"y='{_GLYPH_HEIGHT}*{_PLACES[place].replace('k', frame)}'[place{place}]"
        for place in places
    ]
    return ";".join(
        (
            f"[0:v]hue=h='{frame}*0.48'[bars]",
            f"[1:v]format=gray,split={len(_PLACES)}{strips}",
            *cuts,
            f"{shown}hstack=inputs={len(_PLACES)},format=yuv420p,split[clock][any]",
            f"[any]crop=w=8:h={_GLYPH_HEIGHT}:x=0:y=0,lutyuv=y={_WHITE}[hand]",
            "[bars][clock]overlay=x=(W-w)/2:y=(H-h)/2:shortest=1[dated]",
            f"[dated][hand]overlay=x='mod({frame}*4,{WIDTH})':y=290[picture]",
        )
    )
