"""A strip as SVG: a lane for each input and each origin endpoint, on one axis of time. Pure: data in, text out.

A segment's bar ends where it arrived and is at most as long as its media. A slot's ends where viewers could first see
it, and begins where the one before ended: what they waited for is a long bar, what came soon after it a short one. So
a healthy lane is an even row, and where nothing came there is nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from understudy_domain import ticks
from understudy_domain.reason import CHANGES, Reason
from understudy_local.picture_strip import Arrival, Endpoint, Slot, Strip

_WIDTH: Final = 1200
_LEFT: Final = 190
_RIGHT: Final = 20
_TOP: Final = 78
_LANE: Final = 74
_BAR: Final = 30
_BAR_TOP: Final = 26
_FOOT: Final = 92
_SILENT_SEGMENTS: Final = 2
"""A hole of more than so many segments is called one."""
_LABEL_WIDTH_MIN: Final = 90
_GRID_SECONDS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_GRID_LINES_MAX: Final = 14

_STYLE: Final = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .small { font-size: 12px; fill: #59636e; }
  .number { font-size: 11px; fill: #ffffff; text-anchor: middle; }
  .axis { stroke: #d1d9e0; }
  .paper { fill: #ffffff; }
  .input1 { fill: #0b66c3; }
  .input2 { fill: #b35900; }
  .gap { fill: none; stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 4 3; }
  .mark { stroke: #1f2328; stroke-width: 1.5; }
  .seam { fill: #cf222e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .number { fill: #0d1117; }
    .axis { stroke: #3d444d; }
    .paper { fill: #0d1117; }
    .input1 { fill: #6cb6ff; }
    .input2 { fill: #f0a355; }
    .gap { stroke: #ff7b72; }
    .mark { stroke: #f0f6fc; }
    .seam { fill: #ff7b72; }
  }
"""


def draw(strip: Strip) -> str:
    """The strip as a whole SVG document, readable on light and on dark pages."""
    return _Drawing(strip).document()


class _Drawing:
    def __init__(self, strip: Strip) -> None:
        self._strip = strip
        self._lanes = len(strip.inputs) + len(strip.endpoints)
        self._height = _TOP + self._lanes * _LANE + _FOOT

    def document(self) -> str:
        strip = self._strip
        begin, end = (ticks.to_iso8601(instant) for instant in (strip.begin, strip.end))
        title = f"Channel {strip.channel}, {begin[:10]}, {begin[11:19]} to {end[11:19]} UTC"
        lines = [
            _opening(self._height, title),
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{_WIDTH}" height="{self._height}"/>',
            _text(20, 30, title, "title"),
            _text(20, 52, "What arrived from each input, and what each origin endpoint made of it", "small"),
            *self._axis(),
        ]
        top = _TOP
        for input_id, arrivals in strip.inputs.items():
            lines += self._input_lane(top, input_id, arrivals)
            top += _LANE
        for endpoint in strip.endpoints:
            lines += self._endpoint_lane(top, endpoint)
            top += _LANE
        lines += _legend(self._height - 32)
        return "\n".join([*lines, "</svg>", ""])

    def _x(self, instant: int) -> float:
        span = max(self._strip.end - self._strip.begin, 1)
        inside = min(max(instant, self._strip.begin), self._strip.end)
        return round(_LEFT + (inside - self._strip.begin) / span * (_WIDTH - _LEFT - _RIGHT), 1)

    def _is_shown(self, begin: int, end: int) -> bool:
        return end > self._strip.begin and begin < self._strip.end

    def _axis(self) -> Iterator[str]:
        seconds = ticks.to_seconds(self._strip.end - self._strip.begin)
        step = next((step for step in _GRID_SECONDS if seconds / step <= _GRID_LINES_MAX), _GRID_SECONDS[-1])
        step_ticks = ticks.from_seconds(step)
        bottom = _TOP + self._lanes * _LANE + 4
        instant = -(-self._strip.begin // step_ticks) * step_ticks
        while instant <= self._strip.end:
            x = self._x(instant)
            yield f'<line class="axis" x1="{x}" y1="{_TOP}" x2="{x}" y2="{bottom}"/>'
            yield _text(x, bottom + 18, ticks.to_iso8601(instant)[11:19], "small", anchor="middle")
            instant += step_ticks

    # --- lanes --------------------------------------------------------------------------------------------------------

    def _input_lane(self, top: int, input_id: int, arrivals: Sequence[Arrival]) -> Iterator[str]:
        yield _text(20, top + _BAR_TOP + 14, f"input {input_id}")
        yield _text(20, top + _BAR_TOP + 30, "segments, as they arrived", "small")
        bar_top = top + _BAR_TOP
        reached: int | None = None
        for arrival in arrivals:
            begin = arrival.instant - arrival.duration
            if reached is not None:
                if begin - reached > _SILENT_SEGMENTS * arrival.duration:
                    yield from self._silence(bar_top, reached, begin)
                begin = max(begin, reached)
            reached = arrival.instant
            if self._is_shown(begin, arrival.instant):
                yield self._bar(bar_top, begin, arrival.instant, f"input{input_id}")
        last = arrivals[-1] if arrivals else None
        silent_since = self._strip.begin if last is None or reached is None else reached
        if last is None or self._strip.end - silent_since > _SILENT_SEGMENTS * last.duration:
            yield from self._silence(bar_top, silent_since, self._strip.end)

    def _silence(self, bar_top: int, begin: int, end: int) -> Iterator[str]:
        x, x_end = self._x(begin), self._x(end)
        if self._is_shown(begin, end) and x_end - x >= _LABEL_WIDTH_MIN:
            label = f"nothing for {ticks.to_seconds(end - begin):.1f} s"
            yield _text((x + x_end) / 2, bar_top + 20, label, "small", anchor="middle")

    def _endpoint_lane(self, top: int, endpoint: Endpoint) -> Iterator[str]:
        yield _text(20, top + _BAR_TOP + 14, endpoint.id)
        delay = f"{endpoint.time_delay_seconds} s delay" if endpoint.time_delay_seconds else "no delay"
        yield _text(20, top + _BAR_TOP + 30, f"{endpoint.segment_duration_seconds} s segments, {delay}", "small")
        bar_top = top + _BAR_TOP
        bars = [(begin, slot) for begin, slot in _begins(endpoint.slots) if self._is_shown(begin, slot.published_at)]
        for begin, slot in bars:
            yield from self._slot(bar_top, begin, slot)
        yield from self._reasons(bar_top, ((begin, slot) for begin, slot in bars if slot.reason is not Reason.KEEP))

    def _slot(self, bar_top: int, begin: int, slot: Slot) -> Iterator[str]:
        if not slot.shares:
            yield self._bar(bar_top, begin, slot.published_at, "gap")
        whole = sum(share.duration for share in slot.shares)
        done = 0
        for share in slot.shares:
            span = slot.published_at - begin
            left = begin + span * done // whole
            done += share.duration
            yield self._bar(bar_top, left, begin + span * done // whole, f"input{share.input_id}")
        x, x_end = self._x(begin), self._x(slot.published_at)
        if x_end - x >= 5 + 6 * len(str(slot.media_sequence)):
            yield _text((x + x_end) / 2, bar_top + 20, str(slot.media_sequence), "number")
        if slot.discontinuity:
            yield f'<path class="seam" d="M{x - 5} {bar_top + _BAR + 12}h10l-5 -10z"/>'

    def _reasons(self, bar_top: int, bars: Iterable[tuple[int, Slot]]) -> Iterator[str]:
        labelled_to = 0.0
        for begin, slot in bars:
            x = (self._x(begin) + self._x(slot.published_at)) / 2
            yield f'<line class="mark" x1="{x:.1f}" y1="{bar_top - 8}" x2="{x:.1f}" y2="{bar_top - 1}"/>'
            label = f"{slot.reason.value} to {slot.active_input}" if slot.reason in CHANGES else slot.reason.value
            half = 3.5 * len(label)
            if x - half >= labelled_to:
                yield _text(min(x, _WIDTH - _RIGHT - half), bar_top - 12, label, anchor="middle")
                labelled_to = x + half + 4

    def _bar(self, top: int, begin: int, end: int, kind: str) -> str:
        x = self._x(begin)
        width = max(round(self._x(end) - x - 1, 1), 1.0)
        return f'<rect class="{kind}" x="{x}" y="{top}" width="{width}" height="{_BAR}" rx="2"/>'


def _begins(slots: Iterable[Slot]) -> Iterator[tuple[int, Slot]]:
    """Where each slot's bar begins: where the one before ended, but at most one more of its durations earlier."""
    reached: int | None = None
    for slot in slots:
        waited = slot.duration if reached is None else slot.published_at - reached
        yield slot.published_at - min(waited, 2 * slot.duration), slot
        reached = slot.published_at


def _opening(height: int, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" role="img" aria-label="{escape(title)}">'
    )


def _legend(y: int) -> Iterator[str]:
    yield f'<rect class="input1" x="{_LEFT}" y="{y}" width="22" height="14" rx="2"/>'
    yield _text(_LEFT + 30, y + 12, "from input 1")
    yield f'<rect class="input2" x="{_LEFT + 140}" y="{y}" width="22" height="14" rx="2"/>'
    yield _text(_LEFT + 170, y + 12, "from input 2")
    yield f'<rect class="gap" x="{_LEFT + 280}" y="{y}" width="22" height="14" rx="2"/>'
    yield _text(_LEFT + 310, y + 12, "gap")
    yield f'<path class="seam" d="M{_LEFT + 366} {y + 13}h10l-5 -10z"/>'
    yield _text(_LEFT + 386, y + 12, "discontinuity")
    yield _text(_LEFT + 500, y + 12, "numbers: media sequence; a bar ends when the slot could first be listed", "small")


def _text(x: float, y: float, text: str, kind: str | None = None, *, anchor: str | None = None) -> str:
    kinds = "" if kind is None else f' class="{kind}"'
    anchors = "" if anchor is None else f' text-anchor="{anchor}"'
    return f'<text{kinds} x="{round(x, 1)}" y="{y}"{anchors}>{escape(text)}</text>'
