"""A player's part: the playlists as they grow, and every segment that they list."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urljoin

from understudy_controller.smoke_test.errors import SmokeTestFailed
from understudy_controller.smoke_test.http import Address, request
from understudy_runtime import clock

PLAY_SECONDS: Final = 30.0
"""How long what was pushed may take to be listed: decisions take less than a slot."""

_POLL_SECONDS: Final = 0.25


def play(egress: Address, path: str, pushed: Sequence[bytes], *, say: Callable[[str], None]) -> None:
    """Poll until all of ``pushed`` is listed, and compare every segment with what was pushed.

    Raises:
        SmokeTestFailed: it was not listed in time, or is something else.
    """
    url = egress.url + path
    listed = _wait_until_listed(url, len(pushed))
    for index, (segment_url, expected) in enumerate(zip(listed, pushed, strict=True)):
        answer = request("GET", segment_url)
        if not answer.is_good:
            raise SmokeTestFailed(f"egress lists {segment_url} and refuses it: {answer.words()}")
        if answer.body != expected:
            raise SmokeTestFailed(f"segment {index + 1} at {segment_url} is not the one that was pushed")
    say(f"played {len(listed)} segments from {url}")


def _wait_until_listed(url: str, count: int) -> Sequence[str]:
    give_up_at = clock.monotonic() + PLAY_SECONDS
    while True:
        listed, last = _listed(url)
        if len(listed) >= count:
            return listed
        if clock.monotonic() > give_up_at:
            raise SmokeTestFailed(
                f"egress lists {len(listed)} of {count} segments {PLAY_SECONDS:g} s after the last was pushed;"
                f" {last}; do the controllers decide? See understudy_unlisted_segments, and their log"
            )
        time.sleep(_POLL_SECONDS)


def _listed(url: str) -> tuple[Sequence[str], str]:
    """The URLs of the segments that are listed now, and the last answer, for messages."""
    multivariant = request("GET", url)
    uris = _uris(multivariant.body)
    if not multivariant.is_good or not uris:
        return [], f"GET {url}: {multivariant.words()}"
    media_url = urljoin(url, uris[0])
    media = request("GET", media_url)
    if not media.is_good:
        return [], f"GET {media_url}: {media.words()}"
    return [urljoin(media_url, uri) for uri in _uris(media.body)], f"GET {media_url}: {media.status}"


def _uris(playlist: bytes) -> list[str]:
    lines = playlist.decode(errors="replace").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
