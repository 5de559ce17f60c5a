"""What goes with a message: W3C Trace Context, read strictly."""

from __future__ import annotations

import pytest

from understudy_runtime.trace_context import TraceContext

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


def test_a_context_is_read_as_it_was_written() -> None:
    for context in (TraceContext(TRACE, SPAN), TraceContext(TRACE, SPAN, sampled=False, state="a=1,b=2")):
        assert TraceContext.parse(context.headers()) == context


def test_the_headers_are_those_of_w3c() -> None:
    assert TraceContext(TRACE, SPAN).headers() == {"traceparent": PARENT}
    assert TraceContext(TRACE, SPAN, sampled=False).headers() == {"traceparent": f"00-{TRACE}-{SPAN}-00"}
    assert TraceContext(TRACE, SPAN, state="a=1").headers() == {"traceparent": PARENT, "tracestate": "a=1"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        PARENT.upper(),
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f" {PARENT}",
        f"{PARENT}\r\nNats-Msg-Id: 1",
        f"01-{TRACE}-{SPAN}-01-more\r\nNats-Msg-Id: 1",
    ],
)
def test_what_is_no_context_is_none(text: str) -> None:
    assert TraceContext.parse({"traceparent": text}) is None


def test_no_header_is_no_context() -> None:
    assert TraceContext.parse({}) is None
    assert TraceContext.parse({"tracestate": "a=1"}) is None


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    later = TraceContext.parse({"traceparent": f"01-{TRACE}-{SPAN}-03-more"})
    assert later == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("ff", True)])
def test_the_last_bit_says_whether_it_is_sampled(flags: str, sampled: bool) -> None:
    context = TraceContext.parse({"traceparent": f"00-{TRACE}-{SPAN}-{flags}"})
    assert context is not None
    assert context.sampled is sampled


@pytest.mark.parametrize(
    "state", ["", "a" * 513, "a=\x00", "a=1\r\nb: 2", "a=ä", "a", "A=1", "a=1=2", ",", "a=" + 10_000 * "b"]
)
def test_a_state_that_is_none_is_left_out_and_the_context_stays(state: str) -> None:
    assert TraceContext.parse({"traceparent": PARENT, "tracestate": state}) == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize("state", ["a=1", "a=1, 9tenant@vendor=x y", "a=1,,b=2"])
def test_a_state_goes_on_as_it_came(state: str) -> None:
    assert TraceContext.parse({"traceparent": PARENT, "tracestate": state}) == TraceContext(TRACE, SPAN, state=state)
