"""One look into a segment whose configuration is known, and into one whose is not."""

from __future__ import annotations

import time

from bench.cases.uploads import probe_milliseconds
from bench.context import Case, Context
from bench.media import make_segment
from bench.result import Figure, Result, Run, at_most
from bench.rounds import median_of
from understudy_ingest.probe.describe import warm_up
from understudy_ingest.probe.prober import Prober

_SIZES = {"1 MiB": 1 << 20, "200 kB": 200_000}


def _measure(context: Context) -> Result:
    warm_up()
    bodies = {name: make_segment(context.directory / name, size=size) for name, size in _SIZES.items()}
    runs = []
    for number in range(context.rounds):
        for name, body in bodies.items():
            mebibytes = len(body) / (1 << 20)
            known = probe_milliseconds(body, times=50)
            started = time.thread_time()
            Prober().probe(body)
            new = (time.thread_time() - started) * 1e3
            values = {"known_milliseconds_per_mebibyte": known / mebibytes, "known": known, "new": new}
            runs.append(Run(name, number, values))
    per_mebibyte = "known_milliseconds_per_mebibyte"
    figures = (
        Figure("known configuration, a MiB", median_of(runs, "1 MiB", per_mebibyte), "ms", at_most(0.5)),
        Figure("known configuration, a segment of 200 kB", median_of(runs, "200 kB", "known"), "ms"),
        Figure("new configuration, a segment of 1 MiB", median_of(runs, "1 MiB", "new"), "ms"),
        Figure("new configuration, a segment of 200 kB", median_of(runs, "200 kB", "new"), "ms"),
    )
    return Result(CASE.name, CASE.title, figures, tuple(runs))


CASE = Case("probe", "looking into a segment of 2 s, 720p25 and AAC: CPU time", _measure)
