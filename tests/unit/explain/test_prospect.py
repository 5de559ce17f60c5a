"""What an order to switch over would come to, judged before it is given: a table from what is so to the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured, endpoint_guid
from understudy_domain.channel_state import ChannelState
from understudy_domain.facts import EndpointConfigured, SwitchoverOrdered
from understudy_domain.policy import PolicyKind
from understudy_domain.status import Seam
from understudy_domain.switchover import Prospect, Refusal, prospect
from understudy_domain.ticks import from_seconds

AFTER_SECONDS = 25.0


def six(kind: PolicyKind = PolicyKind.STICKY, *, input_id: int = 1, hold_down_seconds: float = 60) -> Message:
    """The endpoint ``six`` with a policy."""
    message = configured("six", seconds=6)
    assert isinstance(message.fact, EndpointConfigured)
    hold_down = from_seconds(hold_down_seconds)
    return replace(message, fact=replace(message.fact, policy=kind, policy_input=input_id, hold_down=hold_down))


def judged(
    *encoders: SyntheticEncoder,
    policy: Message | None = None,
    to: int | None = None,
    forced: bool = False,
    segments: int = 12,
    orders: tuple[Message, ...] = (),
) -> Prospect:
    """What an order comes to, after so many segments."""
    messages = [policy or six(), *orders]
    for encoder in encoders or (SyntheticEncoder(1), SyntheticEncoder(2)):
        messages += encoder.messages(range(segments))
    run = Broadcast(messages).run()
    now = EPOCH + from_seconds(AFTER_SECONDS)
    return prospect(run.fold.state, endpoint_guid("six"), input_id=to, forced=forced, now=now)


UNLIKE = SyntheticEncoder(2, media_offset_seconds=99, lag_seconds=1.3)


def test_a_seamless_change_is_taken_and_told() -> None:
    found = judged()
    assert (found.input_id, found.refusal, found.seam, found.jump_seconds) == (2, None, Seam.SEAMLESS, 0)
    assert found.sentence == (
        "It goes over to input 2 seamlessly, at the first slot that input 2 completes by its deadline; the order is "
        "off if there is none within 60 s."
    )


def test_what_viewers_would_notice_is_refused_unless_it_is_forced() -> None:
    found = judged(SyntheticEncoder(1), UNLIKE)
    assert (found.input_id, found.refusal, found.seam) == (2, Refusal.NOT_SEAMLESS, Seam.DISCONTINUITY)
    assert found.sentence.startswith("It would not be seamless: a discontinuity in every rendition, and the programme ")
    assert found.jump_seconds == pytest.approx(-1.0, abs=0.1)
    assert "repeats 1 s" in found.sentence
    forced = judged(SyntheticEncoder(1), UNLIKE, forced=True)
    assert (forced.refusal, forced.seam, forced.jump_seconds) == (None, Seam.DISCONTINUITY, found.jump_seconds)
    assert "with a discontinuity in every rendition" in forced.sentence


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (SyntheticEncoder(2, configuration="other"), "seamless: a discontinuity in every rendition. The inputs differ"),
        (SyntheticEncoder(2, date_offset_seconds=None, media_offset_seconds=99, content="x"), "a jump of unknown size"),
    ],
)
def test_how_large_the_jump_would_be_is_said_as_far_as_it_is_known(encoder: SyntheticEncoder, words: str) -> None:
    assert words in judged(SyntheticEncoder(1), encoder).sentence


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize(
    ("encoders", "policy", "to", "refusal"),
    [
        ((SyntheticEncoder(1),), six(), 2, Refusal.NOT_DELIVERING),
        ((SyntheticEncoder(1), SyntheticEncoder(2, lost=set(range(5, 12)))), six(), None, Refusal.NOT_DELIVERING),
        ((SyntheticEncoder(1), SyntheticEncoder(2, ended_after=11)), six(), 2, Refusal.NOT_DELIVERING),
        ((), six(), 1, Refusal.ALREADY_ACTIVE),
        ((), six(PolicyKind.PINNED), 2, Refusal.PINNED),
        ((), six(PolicyKind.PINNED, input_id=2), 1, Refusal.PINNED),
        ((), six(PolicyKind.PINNED), 1, Refusal.ALREADY_ACTIVE),
        ((), six(PolicyKind.OFF), 2, Refusal.POLICY_OFF),
    ],
)
def test_force_overrides_none_of_what_cannot_be(
    encoders: tuple[SyntheticEncoder, ...], policy: Message, to: int | None, refusal: Refusal, forced: bool
) -> None:
    found = judged(*encoders, policy=policy, to=to, forced=forced)
    assert found.refusal is refusal
    assert found.sentence.endswith(".")


@pytest.mark.parametrize("forced", [False, True])
def test_an_input_that_lacks_a_rendition_for_good_would_only_be_left_again(forced: bool) -> None:
    two = ("high.m3u8", "low.m3u8")
    poorer = SyntheticEncoder(2, playlists=two, lost_of_playlist={"low.m3u8": set(range(4, 12))})
    found = judged(SyntheticEncoder(1, playlists=two), poorer, forced=forced)
    assert found.refusal is Refusal.LACKING
    assert found.sentence.startswith("Input 2 lacks v2 for good")


def test_an_endpoint_that_has_published_nothing_has_nothing_to_leave() -> None:
    assert judged(segments=1).refusal is Refusal.NOTHING_PUBLISHED_YET
    unknown = prospect(ChannelState("c" * 32), endpoint_guid("six"), input_id=None, forced=False, now=EPOCH)
    assert (unknown.refusal, unknown.input_id) == (Refusal.NOTHING_PUBLISHED_YET, None)


def test_whoever_leaves_a_preferred_input_is_told_when_it_comes_back() -> None:
    found = judged(policy=six(PolicyKind.PREFERRED, hold_down_seconds=30), to=2)
    assert found.refusal is None
    assert found.sentence.endswith(
        "Its policy prefers input 1, and takes it back once that has been complete and on time for 30 s after the "
        "order."
    )


def test_an_order_to_stay_takes_back_the_one_that_stands() -> None:
    ordered = Message(EPOCH + from_seconds(24.5), None, SwitchoverOrdered(endpoint_guid("six"), 2))
    found = judged(SyntheticEncoder(1), UNLIKE, orders=(ordered,), to=1)
    assert (found.refusal, found.input_id, found.seam) == (None, 1, Seam.SEAMLESS)
    assert found.sentence == "It stays with input 1: the order to follow input 2 is off."
