"""What the decision loop counts. Labels are ids, as people know them; a deleted channel leaves no series.

Counters of the process are the library's own. What there is of each channel is held in plain numbers or in the core's
state, and becomes series when Prometheus asks (``input_metrics``, ``endpoint_metrics``): so a channel that is deleted,
or that another controller decides for now, is gone from here with what it was made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from understudy_controller.loop.endpoint_counts import EndpointCounts
from understudy_controller.loop.endpoint_metrics import EndpointMetrics
from understudy_controller.loop.input_metrics import InputMetrics
from understudy_controller.loop.shown import ShownChannel, ShownChannels
from understudy_domain.entry import ProgramEntry
from understudy_domain.event import EventKind
from understudy_domain.keys import INPUTS
from understudy_domain.ticks import to_seconds
from understudy_runtime import clock

_LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


def _none() -> Iterator[ShownChannel]:
    return iter(())


class LoopMetrics:
    """The loop's metrics in one registry."""

    def __init__(
        self, registry: CollectorRegistry, *, shown: ShownChannels = _none, caught_up: Callable[[], bool] = bool
    ) -> None:
        """``shown`` gives the channels that this process decides for."""
        self._arrivals: dict[tuple[str, int], int] = {}
        self._counts: dict[str, EndpointCounts] = {}
        self.decision_seconds = Histogram(
            "understudy_decision_seconds",
            "From the instant a decision is as of to its entry standing in the log.",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.malformed = Counter(
            "understudy_malformed_records_total",
            "Records of the log of arrivals that do not parse and were skipped.",
            registry=registry,
        )
        self.superseded = Counter(
            "understudy_superseded_entries_total",
            "Entries that another controller had appended when this one came to it.",
            registry=registry,
        )
        self.failed_channels = Counter(
            "understudy_failed_channels_total",
            "Channels given up because the decision core failed at them: a defect, to be reported with the log.",
            registry=registry,
        )
        self.events = Counter(
            "understudy_events_total",
            "Events told by this process; every kind is there from 0.",
            ("kind",),
            registry=registry,
        )
        for kind in EventKind:
            self.events.labels(kind.value)
        self.dropped_events = Counter(
            "understudy_dropped_events_total",
            "Events that were not published: NATS was away for too long, or refused them.",
            registry=registry,
        )
        self.caught_up = Gauge(
            "understudy_decisions_caught_up",
            "1 while the log of arrivals has been read to its end for every shard that the process decides for.",
            registry=registry,
        )
        self.caught_up.set_function(caught_up)
        self.shards = Gauge(
            "understudy_controller_shards",
            "Shards of channels that this process decides for.",
            registry=registry,
        )
        self.lease_losses = Counter(
            "understudy_controller_lease_losses_total",
            "Shards that this process lost: their leases ran out, or another controller took them.",
            registry=registry,
        )
        self.left_to_newer = Gauge(
            "understudy_channels_left_to_newer_release",
            "Channels that are not decided for here, since a newer release has and its entries cannot be read.",
            registry=registry,
        )
        registry.register(InputMetrics(shown, self._arrivals))
        registry.register(EndpointMetrics(shown, self._counts))

    def count_arrival(self, channel: str, input_id: int) -> None:
        """Count a segment of a channel (guid) that was read."""
        self._arrivals[channel, input_id] = self._arrivals.get((channel, input_id), 0) + 1

    def count(self, entry: ProgramEntry, *, before: ProgramEntry | None = None) -> None:
        """Count an entry that now stands, after ``before``; the end of a programme is no slot."""
        counts = self._counts.get(entry.origin_endpoint)
        if counts is None:
            counts = self._counts[entry.origin_endpoint] = EndpointCounts()
        counts.take(entry, before)
        if not entry.ended:
            self.decision_seconds.observe(max(to_seconds(clock.now_ticks() - entry.as_of.instant), 0.0))

    def forget_endpoint(self, origin_endpoint: str) -> None:
        """An endpoint (guid) was deleted, or another controller decides for it now."""
        self._counts.pop(origin_endpoint, None)

    def forget_channel(self, channel: str) -> None:
        """A channel (guid) was deleted, or another controller decides for it now."""
        for input_id in INPUTS:
            self._arrivals.pop((channel, input_id), None)
