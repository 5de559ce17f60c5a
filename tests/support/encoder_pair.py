"""Two encoders that push prepared media in real time; each can go away and come back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from support.control import CreatedChannel
from support.encoder import Encoding, encode_files, next_boundary
from support.frame_source import FRAMES_PER_SECOND
from support.pusher import Pusher

SEGMENT_SECONDS = 2


class EncoderPair:
    """An epoch-locked pair."""

    def __init__(self, channel: CreatedChannel, directory: Path, *, seconds: float) -> None:
        self._channel = channel
        self._first_frame = next_boundary(time.time(), segment_seconds=SEGMENT_SECONDS)
        directory.mkdir(parents=True)
        frames = int(seconds / SEGMENT_SECONDS + 2) * SEGMENT_SECONDS * FRAMES_PER_SECOND
        encoding = Encoding(segment_seconds=SEGMENT_SECONDS)
        self._segments = encode_files(directory, first_frame=self._first_frame, frames=frames, encoding=encoding)
        self._began = 0.0
        self._pushers: dict[int, Pusher] = {}

    async def start(self) -> None:
        """Both, at the beginning of the programme."""
        self._began = time.time()
        for input_id in (1, 2):
            await self.come_back(input_id)

    async def come_back(self, input_id: int) -> None:
        """At the next boundary of the programme."""
        index = int((time.time() - self._began) / SEGMENT_SECONDS) + 1 if self._pushers.get(input_id) else 0
        await asyncio.sleep(max(0.0, self._began + index * SEGMENT_SECONDS - time.time()))
        self._pushers[input_id] = Pusher(
            str(input_id),
            self._channel.inputs[input_id - 1],
            self._segments[index:],
            segment_seconds=SEGMENT_SECONDS,
            first_frame=self._first_frame + index * SEGMENT_SECONDS * FRAMES_PER_SECOND,
            keeps_connection=True,
            dated_from=self._began + index * SEGMENT_SECONDS,
        )
        self._pushers[input_id].start()

    async def go_away(self, input_id: int) -> None:
        """After what it is sending now."""
        await asyncio.to_thread(self._pushers[input_id].stop)

    async def stop(self) -> None:
        """For good."""
        for input_id in self._pushers:
            await self.go_away(input_id)
