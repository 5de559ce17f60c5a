"""The inputs of the channels that this process decides for, as metrics made of what the core knows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_controller.loop.shown import ShownChannel, ShownChannels
from understudy_domain.interchange import Grade
from understudy_domain.status import InputCondition, arrival_skew, condition_of, date_skew, grade_of
from understudy_domain.ticks import to_seconds
from understudy_domain.timeline import InputState
from understudy_runtime import clock
from understudy_runtime.exposition import Series, SeriesFamily

_BY_INPUT = ("channel", "input")
_GRADES = {Grade.NONE: 0, Grade.SEAMLESS: 1, Grade.JOINABLE: 2}

_OfInput = Callable[[ShownChannel, InputState], float | None]
_OfChannel = Callable[[ShownChannel], float | None]


class InputMetrics(Collector):
    """Of inputs that have delivered at some time; whether one delivers is told of all."""

    def __init__(self, shown: ShownChannels, arrivals: Mapping[tuple[str, int], int]) -> None:
        """``arrivals``: segments read, by channel (guid) and input."""
        self._shown = shown
        self._arrivals = arrivals

    @override
    def collect(self) -> Iterator[Metric]:
        """As of now."""
        now, shown = clock.now_ticks(), list(self._shown())

        def of_inputs(name: str, documentation: str, value: _OfInput, *, is_counter: bool = False) -> SeriesFamily:
            def series() -> Series:
                for channel in shown:
                    for one in channel.state.inputs:
                        found = value(channel, one)
                        if found is not None:
                            yield (channel.id, str(one.input_id)), found

            return SeriesFamily(
                name, documentation, "counter" if is_counter else "gauge", labels=_BY_INPUT, series=series
            )

        def of_channels(name: str, documentation: str, value: _OfChannel) -> SeriesFamily:
            def series() -> Series:
                for channel in shown:
                    found = value(channel)
                    if found is not None:
                        yield (channel.id,), found

            return SeriesFamily(name, documentation, "gauge", labels=("channel",), series=series)

        yield of_inputs(
            "understudy_arrivals_total",
            "Segments read from the arrivals log, by input.",
            lambda channel, one: self._arrivals.get((channel.state.channel, one.input_id)),
            is_counter=True,
        )
        yield of_inputs(
            "understudy_input_delivering",
            "1 for an input that delivers, else 0: it is dead, has ended or never began.",
            lambda channel, one: condition_of(one, channel.state, now) is InputCondition.DELIVERING,
        )
        yield of_inputs(
            "understudy_input_ended",
            "1 for an input whose playlists all carry EXT-X-ENDLIST, else 0.",
            _once_begun(lambda one: one.has_ended),
        )
        yield of_inputs(
            "understudy_input_age_seconds",
            "Time since the input's last segment was stored.",
            lambda _, one: None if one.last_arrived_at is None else max(to_seconds(now - one.last_arrived_at), 0.0),
        )
        yield of_inputs(
            "understudy_input_lag_seconds",
            "How long after a media instant its segments arrive, followed slowly; only differences matter.",
            lambda _, one: _seconds(one.lag),
        )
        yield of_inputs(
            "understudy_input_lateness_seconds",
            "By how much later than its lag says the input's newest segment has come; negative: earlier.",
            lambda _, one: _seconds(one.lateness),
        )
        yield of_inputs(
            "understudy_input_steady_seconds",
            "For how long the input has been complete and on time; 0 while it is not.",
            lambda channel, one: _steady(channel, one, now),
        )
        yield of_inputs(
            "understudy_input_missing_seconds_total",
            "Programme time that the input left out between its segments.",
            _once_begun(lambda one: to_seconds(one.steadiness.missing)),
            is_counter=True,
        )
        yield of_inputs(
            "understudy_input_filler_segments_total",
            "Segments that the input's playlists mark as filler: they count as missing.",
            _once_begun(lambda one: one.fillers),
            is_counter=True,
        )
        yield of_inputs(
            "understudy_unlisted_segments",
            "Segments that arrived and that no playlist of the input names: they belong to no rendition.",
            _once_begun(lambda one: len(one.unlisted)),
        )
        yield of_channels(
            "understudy_arrival_skew_seconds",
            "By how much later input 2 arrives than input 1.",
            lambda channel: _seconds(arrival_skew(channel.state)),
        )
        yield of_channels(
            "understudy_date_skew_seconds",
            "By how much the program date time of input 2 is ahead of input 1's at equal programme time.",
            lambda channel: _seconds(date_skew(channel.state)),
        )
        yield of_channels(
            "understudy_interchange_grade",
            "How far the inputs are proven to stand for one another: 0 not, 1 between slots, 2 within a slot as well.",
            _grade,
        )


def _once_begun(value: Callable[[InputState], float]) -> _OfInput:
    return lambda _, one: None if one.last_arrived_at is None else value(one)


def _seconds(duration: int | None) -> float | None:
    return None if duration is None else to_seconds(duration)


def _steady(channel: ShownChannel, one: InputState, now: int) -> float | None:
    grid = channel.state.grid
    if grid is None or one.last_arrived_at is None:
        return None
    since = one.steadiness.well_since(now, lag=one.lag, segment_duration=grid.segment_duration)
    return 0.0 if since is None else max(to_seconds(now - since), 0.0)


def _grade(channel: ShownChannel) -> float | None:
    """None where there is but one input to speak of."""
    both_began = all(one.session is not None for one in channel.state.inputs)
    return _GRADES[grade_of(channel.state)] if both_began else None
