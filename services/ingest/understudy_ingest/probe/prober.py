"""A segment's bytes to its probe."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from understudy_domain import ticks
from understudy_domain.media import Probe, Track, TrackKind
from understudy_ingest.probe.counters import COUNTER_MODULUS
from understudy_ingest.probe.describe import Description, describe
from understudy_ingest.probe.elementary import TIMESTAMP_MODULUS
from understudy_ingest.probe.peek import Peek, PeekedTrack, peek

CONTAINER = "mpegts"
_DESCRIPTIONS_MAX = 4_096

_Key = tuple[str, tuple[str, ...]]


class Prober:
    """Probes segments; remembers descriptions of configurations it has seen. Safe to call from several threads."""

    def __init__(
        self,
        *,
        descriptions_max: int = _DESCRIPTIONS_MAX,
        describe_segment: Callable[[bytes], dict[int, Description]] = describe,
    ) -> None:
        self._descriptions_max = descriptions_max
        self._describe = describe_segment
        self._descriptions: OrderedDict[_Key, dict[int, Description]] = OrderedDict()
        self._lock = threading.Lock()

    def probe(self, body: bytes) -> Probe:
        """One look into a segment.

        Raises:
            UnsupportedMedia, DamagedMedia, EncryptedInput: as ``peek``.
        """
        found = peek(body)
        descriptions = self._descriptions_of(found, body)
        return Probe(
            container=CONTAINER,
            tracks=tuple(_track(track, descriptions.get(track.pid, Description())) for track in found.tracks),
            digest=found.digest,
            timestamp_modulus=TIMESTAMP_MODULUS,
            layout=found.layout,
            continuity_errors=found.continuity_errors,
            counters=found.counters,
            counter_modulus=COUNTER_MODULUS,
        )

    def _descriptions_of(self, found: Peek, body: bytes) -> dict[int, Description]:
        key = (found.layout, tuple(track.configuration for track in found.tracks))
        with self._lock:
            known = self._descriptions.get(key)
            if known is not None:
                self._descriptions.move_to_end(key)
                return known
        described = self._describe(body)
        with self._lock:
            self._descriptions[key] = described
            while len(self._descriptions) > self._descriptions_max:
                self._descriptions.popitem(last=False)
        return described


def _track(peeked: PeekedTrack, description: Description) -> Track:
    frame_rate, frame_duration, duration = peeked.frame_rate, peeked.frame_duration, peeked.duration
    if peeked.kind is TrackKind.VIDEO and not frame_duration and description.frame_rate:
        frame_rate = description.frame_rate
        frame_duration = duration = _frame_duration(frame_rate)
    codec = peeked.codec
    if description.aac_object_type is not None and codec.startswith("mp4a.40."):
        codec = f"mp4a.40.{description.aac_object_type}"
    return Track(
        kind=peeked.kind,
        codec=codec,
        configuration=peeked.configuration,
        track_id=peeked.pid,
        first_timestamp=peeked.first_timestamp,
        duration=duration,
        frames=peeked.frames,
        frame_duration=frame_duration,
        key_frame_first=peeked.key_frame_first,
        width=description.width,
        height=description.height,
        frame_rate=frame_rate,
        channels=peeked.channels or description.channels,
        sample_rate=peeked.sample_rate,
        language=peeked.language,
    )


def _frame_duration(frame_rate: str) -> int:
    numerator, _, denominator = frame_rate.partition("/")
    return round(ticks.TICKS_PER_SECOND * int(denominator or 1) / int(numerator))
