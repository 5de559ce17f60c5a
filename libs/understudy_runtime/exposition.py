"""Metrics as Prometheus reads them, made in short turns: a scrape of a thousand channels keeps no decision waiting.

Families of many series are made as they are read, from what the process holds anyway; nothing is kept for them between
two scrapes. Between two turns the event loop does what else there is to do, so the series of one scrape may be some
milliseconds apart, as those of two processes are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString
from typing_extensions import override

from understudy_runtime import clock

_TURN_SECONDS = 0.003
_LINES_A_PIECE = 250
"""About half a millisecond's worth."""

Series = Iterable[tuple[tuple[str, ...], float]]
"""The values of labels, and the value, of each series."""


class SeriesFamily(Metric):
    """A family whose series are made as they are read, and may be read once more for a second reader."""

    def __init__(
        self,
        name: str,
        documentation: str,
        kind: Literal["gauge", "counter"],
        *,
        labels: Sequence[str],
        series: Callable[[], Series],
    ) -> None:
        """``name`` as it is exposed: a counter's ends in ``_total``."""
        super().__init__(name.removesuffix("_total") if kind == "counter" else name, documentation, kind)
        self.label_names = tuple(labels)
        self._exposed_name = name
        self._series = series
        self.samples = _Samples(self._samples)  # type: ignore[assignment]  # the library only iterates

    def _samples(self) -> Iterator[Sample]:
        for values, value in self._series():
            yield Sample(self._exposed_name, dict(zip(self.label_names, values, strict=True)), value)

    def lines(self) -> Iterator[str]:
        """The lines of the text format, one a series, after the two that say what the family is."""
        name = self._exposed_name
        yield f"# HELP {name} {self.documentation}\n# TYPE {name} {self.type}\n"
        template = name + "{" + ",".join(f'{label}="%s"' for label in self.label_names) + "} "
        for values, value in self._series():
            yield f"{template % tuple(map(_escaped, values))}{_number(value)}\n"


class _Samples:
    """What the library expects of a family, made anew for each who reads it."""

    def __init__(self, samples: Callable[[], Iterator[Sample]]) -> None:
        self._samples = samples

    def __iter__(self) -> Iterator[Sample]:
        return self._samples()


def _number(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def _escaped(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return value


class _One(Collector):
    """A single family, for the library's own rendering."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    @override
    def collect(self) -> Iterable[Metric]:
        return (self._metric,)


async def exposition(registry: CollectorRegistry) -> bytes:
    """All of ``registry`` in Prometheus' text format; goes with ``CONTENT_TYPE`` of ``metrics``."""
    pieces: list[bytes] = []
    began = clock.monotonic()
    for metric in registry.collect():
        for piece in _pieces(metric):
            pieces.append(piece)
            if clock.monotonic() - began > _TURN_SECONDS:
                await asyncio.sleep(0)
                began = clock.monotonic()
    return b"".join(pieces)


def _pieces(metric: Metric) -> Iterator[bytes]:
    if not isinstance(metric, SeriesFamily):
        yield generate_latest(_One(metric))
        return
    lines = metric.lines()
    while piece := "".join(islice(lines, _LINES_A_PIECE)):
        yield piece.encode()
