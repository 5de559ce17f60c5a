"""The origin endpoints that this process decides for, as metrics made of their last entries and of what was counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_controller.loop.endpoint_counts import COUNTED, EndpointCounts
from understudy_controller.loop.shown import ShownChannels, ShownEndpoint
from understudy_domain.headroom import headroom, usual_headroom
from understudy_domain.keys import INPUTS
from understudy_domain.ticks import to_seconds
from understudy_runtime import clock
from understudy_runtime.exposition import Series, SeriesFamily

_BY_ENDPOINT = ("channel", "origin_endpoint")

_Values = Iterable[tuple[tuple[str, ...], float]]
"""The values of further labels, and the value."""
_OfEndpoint = Callable[[ShownEndpoint, EndpointCounts], _Values]
_NOTHING_YET = EndpointCounts()
"""Everything at 0 from the start: Prometheus' increase() does not see a series that begins with its first failover."""


class EndpointMetrics(Collector):
    """Of every origin endpoint that is configured."""

    def __init__(self, shown: ShownChannels, counts: Mapping[str, EndpointCounts]) -> None:
        """``counts``: by guid of the origin endpoint."""
        self._shown = shown
        self._counts = counts

    @override
    def collect(self) -> Iterator[Metric]:
        """As of now."""
        now = clock.now_ticks()
        endpoints = [endpoint for channel in self._shown() for endpoint in channel.endpoints]
        yield from self._present(endpoints, now)
        yield from self._so_far(endpoints)

    def _family(
        self,
        name: str,
        documentation: str,
        endpoints: Iterable[ShownEndpoint],
        values: _OfEndpoint,
        *labels: str,
        kind: Literal["gauge", "counter"] = "counter",
    ) -> SeriesFamily:
        def series() -> Series:
            for one in endpoints:
                for further, value in values(one, self._counts.get(one.guid, _NOTHING_YET)):
                    yield (one.channel, one.id, *further), value

        return SeriesFamily(name, documentation, kind, labels=(*_BY_ENDPOINT, *labels), series=series)

    def _present(self, endpoints: list[ShownEndpoint], now: int) -> Iterator[Metric]:
        def gauge(name: str, documentation: str, values: _OfEndpoint, *labels: str) -> SeriesFamily:
            return self._family(name, documentation, endpoints, values, *labels, kind="gauge")

        yield gauge(
            "understudy_active_input",
            "1 for the input that the origin endpoint follows, else 0.",
            lambda one, _: [
                ((str(input_id),), one.last is not None and one.last.active_input == input_id) for input_id in INPUTS
            ],
            "input",
        )
        yield gauge(
            "understudy_programme_ended",
            "1 while the origin endpoint's programme has ended and its playlists say so, else 0.",
            lambda one, _: _one(one.last is not None and one.last.ended),
        )
        yield gauge(
            "understudy_hold_seconds",
            "For how long the origin endpoint has held a slot past its deadline for want of media; 0: it does not.",
            lambda one, _: _one(0.0 if one.held_since is None else max(to_seconds(now - one.held_since), 0.0)),
        )
        yield gauge(
            "understudy_headroom_seconds",
            "How far before its deadline the newest slot was complete; negative: it was published so long after.",
            lambda one, _: _seconds(None if one.last is None else headroom(one.last)),
        )
        yield gauge(
            "understudy_headroom_lowest_seconds",
            "The lowest headroom of the slots of the last minute.",
            lambda one, counts: _seconds(None if one.last is None or one.last.ended else counts.lowest_headroom()),
        )
        yield gauge(
            "understudy_headroom_usual_seconds",
            "The headroom of a slot that comes the moment it is due: what tolerance and time delay allow.",
            lambda one, _: _seconds(None if one.last is None else usual_headroom(one.last)),
        )
        yield gauge(
            "understudy_target_duration_seconds",
            "The target duration of the origin endpoint's playlists.",
            lambda one, _: [] if one.last is None else _one(one.last.target_duration_seconds),
        )

    def _so_far(self, endpoints: list[ShownEndpoint]) -> Iterator[Metric]:
        def counter(name: str, documentation: str, values: _OfEndpoint, *labels: str) -> SeriesFamily:
            return self._family(name, documentation, endpoints, values, *labels)

        yield counter(
            "understudy_decisions_total",
            "Slots decided by this process, by reason.",
            lambda _, counts: [((reason.value,), counts.decisions[reason]) for reason in COUNTED],
            "reason",
        )
        yield counter(
            "understudy_published_seconds_total",
            "Programme time published, by the input that the origin endpoint followed; gaps not counted.",
            lambda _, counts: [((str(one),), to_seconds(counts.published[one - 1])) for one in INPUTS],
            "input",
        )
        yield counter(
            "understudy_gap_seconds_total",
            "Programme time published as a gap, of the whole slot, or of some of its renditions alone.",
            lambda _, counts: [
                (("slot",), to_seconds(counts.gaps)),
                (("rendition",), to_seconds(counts.lacking)),
            ],
            "of",
        )
        yield counter(
            "understudy_skipped_seconds_total",
            "Programme time between two slots that was passed over: neither shown nor a gap that keeps its place.",
            lambda _, counts: _one(to_seconds(counts.skipped)),
        )
        yield counter(
            "understudy_stalled_seconds_total",
            "Time that viewers had to wait longer than planned, the jitter allowance excused.",
            lambda _, counts: _one(to_seconds(counts.stalled)),
        )
        yield counter(
            "understudy_discontinuities_total",
            "Slots published that do not continue the one before.",
            lambda _, counts: _one(counts.discontinuities),
        )


def _one(value: float) -> _Values:
    return [((), value)]


def _seconds(duration: int | None) -> _Values:
    return [] if duration is None else [((), to_seconds(duration))]
