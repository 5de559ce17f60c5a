"""What the decision loop counts. Labels are ids, as people know them; a deleted channel leaves no series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_domain.entry import ProgramEntry
from understudy_domain.event import EventKind
from understudy_domain.jump import jump_between
from understudy_domain.keys import INPUTS
from understudy_domain.reason import Reason
from understudy_domain.ticks import to_seconds
from understudy_domain.timeline import InputState
from understudy_runtime import clock

_LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

_COUNTED = tuple(reason for reason in Reason if reason is not Reason.END)

Inputs = Callable[[], Iterator[tuple[str, InputState]]]
"""Gives (channel id, what is known of the input) for every input of the channels decided for."""


class LoopMetrics:
    """The loop's metrics in one registry."""

    def __init__(self, registry: CollectorRegistry, *, inputs: Inputs, caught_up: Callable[[], bool] = bool) -> None:
        self.active_input = Gauge(
            "understudy_active_input",
            "1 for the input that the origin endpoint follows, else 0.",
            ("channel", "origin_endpoint", "input"),
            registry=registry,
        )
        self.ended = Gauge(
            "understudy_programme_ended",
            "1 while the origin endpoint's programme has ended and its playlists say so, else 0.",
            ("channel", "origin_endpoint"),
            registry=registry,
        )
        self.decisions = Counter(
            "understudy_decisions_total",
            "Slots decided by this process, by reason.",
            ("channel", "origin_endpoint", "reason"),
            registry=registry,
        )
        self.skipped_seconds = Counter(
            "understudy_skipped_seconds_total",
            "Programme time between two slots that was passed over: neither shown nor a gap that keeps its place.",
            ("channel", "origin_endpoint"),
            registry=registry,
        )
        self._arrivals: dict[tuple[str, int], int] = {}
        self.decision_seconds = Histogram(
            "understudy_decision_seconds",
            "From the instant a decision is as of to its entry standing in the programme.",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.malformed = Counter(
            "understudy_malformed_records_total",
            "Records of the arrivals log that do not parse and were skipped.",
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
            "Events told by this process, by kind.",
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
            "1 while the arrivals log has been read to its end for every shard that this process decides for.",
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
            "Shards that this process lost: their leases ran out or another controller took them.",
            registry=registry,
        )
        registry.register(_InputMetrics(inputs, self._arrivals))

    def show_endpoint(
        self, channel: str, origin_endpoint: str, active_input: int | None, *, ended: bool = False
    ) -> None:
        """Show which input an endpoint follows (None: none yet), and whether its programme has ended."""
        self.ended.labels(channel, origin_endpoint).set(ended)
        self.skipped_seconds.labels(channel, origin_endpoint)
        for input_id in INPUTS:
            self.active_input.labels(channel, origin_endpoint, str(input_id)).set(input_id == active_input)
        for reason in _COUNTED:
            # At 0 from the start: Prometheus' increase() does not see a series that begins with its first failover.
            self.decisions.labels(channel, origin_endpoint, reason.value)

    def count_arrival(self, channel: str, input_id: int) -> None:
        """Count a segment that was read."""
        self._arrivals[channel, input_id] = self._arrivals.get((channel, input_id), 0) + 1

    def count(
        self, channel: str, origin_endpoint: str, entry: ProgramEntry, *, before: ProgramEntry | None = None
    ) -> None:
        """Count an entry that now stands, after ``before``; the end of a programme is no slot."""
        self.ended.labels(channel, origin_endpoint).set(entry.ended)
        if entry.ended:
            return
        self.decisions.labels(channel, origin_endpoint, entry.reason.value).inc()
        if before is not None and (skipped := jump_between(before, entry)) > 0:
            self.skipped_seconds.labels(channel, origin_endpoint).inc(to_seconds(skipped))
        self.decision_seconds.observe(max(to_seconds(clock.now_ticks() - entry.as_of.instant), 0.0))

    def forget_endpoint(self, channel: str, origin_endpoint: str) -> None:
        """An endpoint was deleted, or another controller decides for it now."""
        # By whole names: removing by some of the labels looks at every series, for each endpoint of many.
        for input_id in INPUTS:
            self.active_input.remove(channel, origin_endpoint, str(input_id))
        self.ended.remove(channel, origin_endpoint)
        self.skipped_seconds.remove(channel, origin_endpoint)
        for reason in _COUNTED:
            self.decisions.remove(channel, origin_endpoint, reason.value)

    def forget_channel(self, channel: str) -> None:
        """A channel was deleted, or another controller decides for it now."""
        for input_id in INPUTS:
            self._arrivals.pop((channel, input_id), None)


class _InputMetrics(Collector):
    """What changes by itself, or with every segment, is made up when somebody asks."""

    def __init__(self, inputs: Inputs, arrivals: Mapping[tuple[str, int], int]) -> None:
        self._inputs = inputs
        self._arrivals = arrivals

    @override
    def collect(self) -> Iterator[Metric]:
        """One sample of each for each input that has delivered."""
        read = CounterMetricFamily(
            "understudy_arrivals_total",
            "Segments read from the arrivals log, by input.",
            labels=("channel", "input"),
        )
        for (channel, input_id), count in self._arrivals.items():
            read.add_metric((channel, str(input_id)), count)
        yield read
        age = GaugeMetricFamily(
            "understudy_input_age_seconds",
            "Time since the input's last segment was stored.",
            labels=("channel", "input"),
        )
        unlisted = GaugeMetricFamily(
            "understudy_unlisted_segments",
            "Segments that arrived and that no playlist of the input names: they belong to no rendition.",
            labels=("channel", "input"),
        )
        now = clock.now_ticks()
        for channel, one in self._inputs():
            if one.last_arrived_at is not None:
                labels = (channel, str(one.input_id))
                age.add_metric(labels, max(to_seconds(now - one.last_arrived_at), 0.0))
                unlisted.add_metric(labels, len(one.unlisted))
        yield age
        yield unlisted
