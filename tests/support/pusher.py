"""An encoder that writes down what it was promised: pushes segments in real time and records every acknowledgement.

FFmpeg never reads the status of a PUT; this one does, and like a broadcast encoder it sends a segment again until it is
acknowledged. A live encoder sends a segment while it makes it: so is most of a body on its way for a while.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from support import frame_source
from support.encoder import PushTarget

REQUEST_SECONDS = 30.0
_RETRY_SECONDS = 0.1
_BODY_PARTS = 8
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One segment that ingest answered with 2xx."""

    name: str
    digest: str
    attempts: int


class _PacedBody:
    """A body that takes its time, in chunks; ``is_sending`` is set while most of it is still to come."""

    def __init__(self, body: bytes, seconds: float, is_sending: threading.Event) -> None:
        self._body = body
        self._seconds = seconds
        self._is_sending = is_sending

    def __iter__(self) -> Iterator[bytes]:
        size = -(-len(self._body) // _BODY_PARTS)
        try:
            for part in range(_BODY_PARTS):
                yield self._body[part * size : (part + 1) * size]
                if part == 0:
                    self._is_sending.set()
                elif part == _BODY_PARTS // 2:
                    self._is_sending.clear()  # too late to be sure to meet it under way
                time.sleep(self._seconds / _BODY_PARTS)
        finally:
            self._is_sending.clear()


class Pusher:
    """Pushes pre-encoded segments, each when its last frame has happened, in a thread of its own."""

    def __init__(
        self,
        name: str,
        target: PushTarget,
        segments: Sequence[Path],
        *,
        segment_seconds: int,
        first_frame: int,
        keeps_connection: bool,
        dated_from: float | None = None,
    ) -> None:
        """Push ``segments``, which begin with ``first_frame``, over one connection or each over its own.

        With ``dated_from``, seconds since the epoch, the playlists say when each segment began, the first one then.
        """
        self.name = name
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[str] = []
        """Connections that were refused: there must be none."""
        self.answers: list[str] = []
        """Whatever was neither an acknowledgement nor a broken connection."""
        self.broken_requests = 0
        """Connections that broke with a request under way: each was sent again."""
        self.is_sending = threading.Event()
        """Set while some of a segment is sent and most of it is not."""
        self._base = target.url.rpartition("/")[0]
        self._auth = httpx.DigestAuth(target.username, target.password)
        self._segments = segments
        self._segment_seconds = segment_seconds
        self._first_frame = first_frame
        self._keeps_connection = keeps_connection
        self._dated_from = dated_from
        self._client: httpx.Client | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._push_all, name=f"pusher {name}", daemon=True)

    def start(self) -> None:
        """Begin: its live programme starts now, and the first segment goes out when it is over."""
        self._thread.start()

    def stop(self) -> None:
        """End after the segment under way."""
        self._stop.set()
        self._thread.join(timeout=2 * REQUEST_SECONDS)
        assert not self._thread.is_alive(), f"pusher {self.name} hangs"

    def _push_all(self) -> None:
        self._put("channel.m3u8", self._multivariant())
        start = time.time()
        for index, path in enumerate(self._segments):
            over_at = start + (index + 1) * self._segment_seconds
            if self._stop.wait(max(0.0, over_at - time.time())):
                break
            body = path.read_bytes()
            attempts = self._put(path.name, _PacedBody(body, self._segment_seconds / 2, self.is_sending))
            if not attempts:
                break
            self.acknowledged.append(Acknowledged(path.name, hashlib.sha256(body).hexdigest(), attempts))
            self._put("channel_1.m3u8", self._playlist(index))
        if self._client is not None:
            self._client.close()

    def _put(self, name: str, body: bytes | _PacedBody) -> int:
        """Send until it is acknowledged; how many attempts that took, 0 when it was stopped first."""
        attempts = 0
        while not self._stop.is_set() or attempts == 0:
            attempts += 1
            try:
                answer = self._connection().put(f"{self._base}/{name}", content=body, auth=self._auth)
            except httpx.ConnectError as err:
                self.refused.append(f"{name}: {err}")
            except httpx.TransportError:
                self.broken_requests += 1
                self._drop_connection()
            else:
                if answer.is_success:
                    return attempts
                self.answers.append(f"{name}: {answer.status_code} {answer.text[:200]}")
            time.sleep(_RETRY_SECONDS)
        return 0

    def _connection(self) -> httpx.Client:
        if not self._keeps_connection:
            self._drop_connection()
        if self._client is None:
            self._client = httpx.Client(timeout=REQUEST_SECONDS)
        return self._client

    def _drop_connection(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _multivariant(self) -> bytes:
        variant = (
            f'BANDWIDTH=300000,RESOLUTION={frame_source.WIDTH}x{frame_source.HEIGHT},CODECS="avc1.42c00d,mp4a.40.2"'
        )
        return f"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-STREAM-INF:{variant}\nchannel_1.m3u8\n".encode()

    def _playlist(self, last: int) -> bytes:
        first = max(0, last - _LISTED + 1)
        number = self._first_frame // (self._segment_seconds * frame_source.FRAMES_PER_SECOND) + first
        head = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{self._segment_seconds}"]
        head.append(f"#EXT-X-MEDIA-SEQUENCE:{number}")
        listed = []
        for index in range(first, last + 1):
            if self._dated_from is not None:
                began = datetime.fromtimestamp(self._dated_from + index * self._segment_seconds, UTC)
                listed.append(f"#EXT-X-PROGRAM-DATE-TIME:{began.isoformat(timespec='milliseconds')}")
            listed.append(f"#EXTINF:{self._segment_seconds:.3f},\n{self._segments[index].name}")
        return "\n".join([*head, *listed, ""]).encode()
