"""Pictures that carry their own number, so that a decoded run proves that no frame was lost, repeated or misplaced.

Frame ``n`` is the picture of the instant ``n / FRAMES_PER_SECOND`` after the Unix epoch: every source that ever runs,
whenever it was started, shows the same number at the same moment. The whole picture is the number: a grid of blocks,
white for 1, large enough to survive any bit rate, with a checksum so that a misread never passes for a frame.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

WIDTH = 320
HEIGHT = 180
FRAMES_PER_SECOND = 25
TICKS_PER_FRAME = 90_000 // FRAMES_PER_SECOND

_COLUMNS = 8
_ROWS = 6
_BLOCK_WIDTH = WIDTH // _COLUMNS
_BLOCK_HEIGHT = HEIGHT // _ROWS
_CHECK_BITS = 8
_NUMBER_BITS = _COLUMNS * _ROWS - _CHECK_BITS
_BLACK, _WHITE, _GREY = 16, 235, 128

_CHROMA = bytes([_GREY]) * (WIDTH * HEIGHT // 2)


class UnreadableFrame(ValueError):
    """A picture whose checksum does not match: damaged, or not from this source."""


def frame_at(seconds: float) -> int:
    """The number of the frame shown at ``seconds`` since the epoch."""
    return int(seconds * FRAMES_PER_SECOND)


def instant_of(number: int) -> float:
    """When frame ``number`` is shown, seconds since the epoch."""
    return number / FRAMES_PER_SECOND


def draw(number: int) -> bytes:
    """Frame ``number`` as raw yuv420p, ``WIDTH`` x ``HEIGHT``."""
    value = number << _CHECK_BITS | _check(number)
    bits = np.frombuffer(value.to_bytes(_COLUMNS * _ROWS // 8, "big"), np.uint8)
    blocks = np.where(np.unpackbits(bits), np.uint8(_WHITE), np.uint8(_BLACK)).reshape(_ROWS, _COLUMNS)
    luma = blocks.repeat(_BLOCK_WIDTH, axis=1).repeat(_BLOCK_HEIGHT, axis=0)
    return luma.tobytes() + _CHROMA


def read(luma: npt.NDArray[np.uint8]) -> int:
    """The number of the picture whose luma plane this is, in whatever size it was encoded.

    Raises:
        UnreadableFrame: the checksum does not match.
    """
    height, width = luma.shape[0] // _ROWS, luma.shape[1] // _COLUMNS
    # The inner half of each block: what compression smears across its edges does not count.
    blocks = luma[: _ROWS * height, : _COLUMNS * width].reshape(_ROWS, height, _COLUMNS, width)
    inner = blocks[:, height // 4 : -height // 4, :, width // 4 : -width // 4]
    bits = np.packbits(inner.mean(axis=(1, 3)).ravel() > (_BLACK + _WHITE) / 2)
    value = int.from_bytes(bits.tobytes(), "big")
    number = value >> _CHECK_BITS
    if value & (1 << _CHECK_BITS) - 1 != _check(number):
        raise UnreadableFrame(f"the picture reads {value:#x}, whose checksum is wrong")
    return number


def _check(number: int) -> int:
    return zlib.crc32(number.to_bytes(_NUMBER_BITS // 8, "big")) & (1 << _CHECK_BITS) - 1
