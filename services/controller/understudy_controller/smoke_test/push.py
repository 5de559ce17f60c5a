"""An encoder's part: segments that were encoded long ago, pushed to both inputs as they would happen now."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from understudy_controller.smoke_test.errors import SmokeTestFailed
from understudy_controller.smoke_test.http import Pair, request
from understudy_runtime import clock

SEGMENT_SECONDS: Final = 2

_ACCEPT_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.25
_MULTIVARIANT: Final = (
    "#EXTM3U\n#EXT-X-VERSION:6\n"
    '#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=64x36,CODECS="avc1.42c00a,mp4a.40.2"\nchannel_1.m3u8\n'
)


@dataclass(frozen=True, slots=True)
class Input:
    """Where an input is pushed to."""

    url: str
    """Ends in ``/channel``: the parent playlist is at this plus ``.m3u8``."""
    credentials: Pair


def segments() -> Sequence[bytes]:
    """Some seconds of a test picture with a tone, in MPEG-TS, in order."""
    folder = resources.files("understudy_controller.smoke_test") / "media"
    return [one.read_bytes() for one in sorted(folder.iterdir(), key=lambda one: one.name) if one.name.endswith(".ts")]


def push(inputs: Sequence[Input], media: Sequence[bytes], *, say: Callable[[str], None]) -> Sequence[bytes]:
    """Push ``media`` to all of ``inputs``, each segment when it is over; returns what was pushed.

    Raises:
        SmokeTestFailed: ingest refuses.
    """
    for one in inputs:
        _put_first(one, "channel.m3u8", _MULTIVARIANT.encode())
    began = clock.monotonic()
    for index, segment in enumerate(media):
        time.sleep(max(0.0, began + (index + 1) * SEGMENT_SECONDS - clock.monotonic()))
        for one in inputs:
            _put(one, f"channel_{index}.ts", segment)
            _put(one, "channel_1.m3u8", _playlist(index))
        say(f"pushed segment {index + 1} of {len(media)} to {len(inputs)} inputs")
    return media


def _put_first(to: Input, name: str, body: bytes) -> None:
    """Ingest hears of a new channel within moments: until then it knows no such path."""
    give_up_at = clock.monotonic() + _ACCEPT_SECONDS
    while True:
        try:
            _put(to, name, body)
        except SmokeTestFailed:
            if clock.monotonic() > give_up_at:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return


def _put(to: Input, name: str, body: bytes) -> None:
    url = f"{to.url.rpartition('/')[0]}/{name}"
    answer = request("PUT", url, body, credentials=to.credentials)
    if not answer.is_good:
        raise SmokeTestFailed(f"ingest refuses {url}: {answer.words()}")


def _playlist(last: int) -> bytes:
    head = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}", "#EXT-X-MEDIA-SEQUENCE:0"]
    listed = [f"#EXTINF:{SEGMENT_SECONDS:.3f},\nchannel_{index}.ts" for index in range(last + 1)]
    return "\n".join([*head, *listed, ""]).encode()
