"""The picture of a trace in docs/operations/traces.md, drawn from what a collector received of a local stack.

``python -m support.trace_picture`` plays a channel with a time delay of 30 s and writes the picture into the page.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from support.control import Control
from support.deadline import eventually
from support.encoded_media import AAC, H264, encode
from support.metric_catalogue import ROOT
from support.otlp_receiver import OtlpReceiver, ReceivedSpan
from support.stack import Stack, free_port_offset
from support.traced_channel import PLAYLIST, environment, push, watch

PAGE = ROOT / "docs" / "operations" / "traces.md"
_PICTURE = re.compile(r"(<!-- drawn from a trace: make trace-picture -->\n```text\n).*?(```\n)", re.DOTALL)
_DELAY_SECONDS = 30
_SEGMENTS = 3
_BAR = 40
_NANOSECONDS = 1_000_000_000


def drawn(trace: Sequence[ReceivedSpan]) -> str:
    """A trace as text: a line for each span, below its parent, with when it began, how long it took, and a bar."""
    begin, end = min(span.start for span in trace), max(span.end for span in trace)
    rows = [
        (f"{'  ' * depth}{span.name}", span.service.removeprefix("understudy-"), span)
        for span, depth in _in_order(trace, "", 0)
    ]
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{'span':<{width}}  {'service':<10}  {'began':>8}  {'took':>9}"]
    for name, service, span in rows:
        took = (span.end - span.start) / _NANOSECONDS
        at = (span.start - begin) * _BAR // (end - begin + 1)
        length = max(1, round((span.end - span.start) * _BAR / (end - begin)))
        bar = (" " * at + "█" * length)[:_BAR]
        began = (span.start - begin) / _NANOSECONDS
        lines.append(f"{name:<{width}}  {service:<10}  {began:>6.3f} s  {took * 1_000:>6.1f} ms  │{bar:<{_BAR}}│")
    return "".join(f"{line}\n" for line in lines)


def _in_order(trace: Sequence[ReceivedSpan], parent: str, depth: int) -> list[tuple[ReceivedSpan, int]]:
    below = sorted((span for span in trace if span.parent_id == parent), key=lambda span: span.start)
    return [one for span in below for one in ((span, depth), *_in_order(trace, span.span_id, depth + 1))]


def _played(folder: Path) -> list[ReceivedSpan]:
    segments = [path.read_bytes() for path in encode(folder / "media", f"{H264} {AAC}", seconds=2 * _SEGMENTS)]
    with OtlpReceiver() as collector:
        stack = Stack(folder / "data", port_offset=free_port_offset(), environment=environment(collector))
        stack.start()
        try:
            control = Control(stack)
            channel = control.create_channel("news")
            endpoint = control.create_endpoint(
                "news-hls", channel, segment_seconds=2, time_delay_seconds=_DELAY_SECONDS
            )
            httpx.get(endpoint.url)
            for number, segment in enumerate(segments):
                push(channel.inputs, number, segment)
                time.sleep(2)

            def found() -> list[ReceivedSpan]:
                watch(endpoint.url)
                return [span for span in collector.spans if span.name == PLAYLIST]

            eventually(lambda: len(found()) == _SEGMENTS, within_seconds=60, what="the last slot", poll_seconds=0.5)
            return collector.trace(found()[-1].trace_id)
        finally:
            stack.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        picture = drawn(_played(Path(scratch)))
    PAGE.write_text(_PICTURE.sub(lambda found: f"{found[1]}{picture}{found[2]}", PAGE.read_text()))
