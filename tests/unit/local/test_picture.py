"""The picture of a channel, from synthetic arrivals and what the decision core makes of them."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured
from understudy_domain.facts import SegmentArrived
from understudy_domain.reason import Reason
from understudy_domain.ticks import from_seconds
from understudy_local.picture_drawing import draw
from understudy_local.picture_strip import Arrival, Endpoint, Slot, Strip, arrivals_of, slots_of

SVG = "{http://www.w3.org/2000/svg}"


def strip_of(*encoders: SyntheticEncoder, begin_seconds: float = 0.0, end_seconds: float = 60.0) -> Strip:
    """What a picture shows of a broadcast with one endpoint without, and one with a delay."""
    messages: list[Message] = [configured("two", seconds=2), configured("six", seconds=6, delay_seconds=10)]
    inputs = {}
    for encoder in encoders:
        sent = encoder.messages(range(30))
        messages += sent
        inputs[encoder.input_id] = arrivals_of(
            (message.instant, message.fact) for message in sent if isinstance(message.fact, SegmentArrived)
        )
    run = Broadcast(messages).run(until_seconds=100)
    endpoints = (Endpoint("two", 2, 0, slots_of(run.of("two"))), Endpoint("six", 6, 10, slots_of(run.of("six"))))
    return Strip("demo", EPOCH + from_seconds(begin_seconds), EPOCH + from_seconds(end_seconds), inputs, endpoints)


def texts(svg: str) -> list[str]:
    """Every text in the drawing."""
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def bars(svg: str, kind: str) -> list[ET.Element]:
    """The bars of one kind, the legend's left out."""
    found = ET.fromstring(svg).iter(f"{SVG}rect")
    return [bar for bar in found if bar.get("class") == kind and bar.get("height") == "30"]


def test_a_healthy_pair_is_drawn_from_one_input_with_nothing_but_its_start_marked() -> None:
    svg = draw(strip_of(SyntheticEncoder(1), SyntheticEncoder(2)))
    assert texts(svg).count("start") == 2
    assert not [text for text in texts(svg) if "failover" in text or "nothing" in text]
    arrived = 30
    assert len(bars(svg, "input2")) == arrived
    assert len(bars(svg, "input1")) > 2 * arrived


def test_a_failover_is_marked_and_coloured_by_the_input_it_went_to() -> None:
    svg = draw(strip_of(SyntheticEncoder(1, lost=set(range(15, 30))), SyntheticEncoder(2)))
    assert texts(svg).count("failover to 2") == 2
    silence = [text for text in texts(svg) if text.startswith("nothing for")]
    assert silence == ["nothing for 29.7 s"]
    assert not bars(svg, "gap")


def test_a_hole_in_an_input_says_how_long_it_was() -> None:
    svg = draw(strip_of(SyntheticEncoder(1, lost=set(range(10, 16))), SyntheticEncoder(2)))
    assert "nothing for 12.0 s" in texts(svg)


def test_what_both_lose_is_drawn_as_a_gap() -> None:
    svg = draw(strip_of(SyntheticEncoder(1, lost={12}), SyntheticEncoder(2, lost={12})))
    assert len(bars(svg, "gap")) == 1
    assert "gap" in texts(svg)


def test_a_discontinuity_is_drawn() -> None:
    other = SyntheticEncoder(2, media_offset_seconds=500.0, phase_seconds=0.7, content="other")
    shown = strip_of(SyntheticEncoder(1, lost=set(range(15, 30))), other)
    svg = draw(shown)
    without = draw(
        replace(
            shown,
            endpoints=tuple(
                replace(endpoint, slots=tuple(replace(slot, discontinuity=False) for slot in endpoint.slots))
                for endpoint in shown.endpoints
            ),
        )
    )
    assert svg.count('<path class="seam"') == without.count('<path class="seam"') + 2


def test_what_happened_before_the_picture_begins_is_not_marked_in_it() -> None:
    encoders = SyntheticEncoder(1, lost=set(range(5, 30))), SyntheticEncoder(2)
    assert "failover to 2" not in texts(draw(strip_of(*encoders, begin_seconds=40.0)))


def test_nothing_is_drawn_outside_of_the_lanes() -> None:
    svg = draw(strip_of(SyntheticEncoder(1), SyntheticEncoder(2), begin_seconds=21.0, end_seconds=33.0))
    for kind in ("input1", "input2"):
        for bar in bars(svg, kind):
            left, width = float(bar.get("x", "")), float(bar.get("width", ""))
            assert 190 <= left < left + width <= 1180


def test_a_slot_of_two_inputs_shows_both() -> None:
    shown = strip_of(SyntheticEncoder(1), SyntheticEncoder(2))
    endpoint = shown.endpoints[1]
    first = endpoint.slots[2].shares[0]
    mixed = replace(endpoint.slots[2], shares=(replace(first, duration=from_seconds(4)), replace(first, input_id=2)))
    svg = draw(replace(shown, inputs={}, endpoints=(replace(endpoint, slots=(mixed,)),)))
    assert len(bars(svg, "input1")) == len(bars(svg, "input2")) == 1


def test_renditions_of_one_segment_count_as_one_arrival() -> None:
    encoder = SyntheticEncoder(1, playlists=("v0.m3u8", "v1.m3u8"))
    facts = [(sent.instant, sent.fact) for sent in encoder.messages(range(5))]
    found = arrivals_of((instant, fact) for instant, fact in facts if isinstance(fact, SegmentArrived))
    assert [arrival.duration for arrival in found] == [from_seconds(2)] * 5


def test_an_input_that_never_delivered_is_an_empty_lane() -> None:
    svg = draw(Strip("demo", EPOCH, EPOCH + from_seconds(60), {1: (), 2: ()}, ()))
    assert texts(svg).count("nothing for 60.0 s") == 2


@pytest.mark.parametrize("seconds", [1, 60, 3600])
def test_any_span_has_a_few_readable_times(seconds: int) -> None:
    svg = draw(Strip("demo", EPOCH, EPOCH + from_seconds(seconds), {1: (Arrival(EPOCH, 1),)}, ()))
    times = [text for text in texts(svg) if re.fullmatch(r"\d\d:\d\d:\d\d", text)]
    assert 1 < len(times) <= 16


def test_text_from_outside_is_escaped() -> None:
    slot = Slot(EPOCH + 1, 1, 0, (), 1, Reason.GAP, discontinuity=False)
    svg = draw(Strip("<&>", EPOCH, EPOCH + 2, {}, (Endpoint('"<e>"', 2, 0, (slot,)),)))
    assert '"<e>"' in texts(svg)
