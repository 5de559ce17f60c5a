"""What is read of all shards is worked off together, and a channel's messages in the order of the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from understudy_controller.loop.rounds import Message, Rounds
from understudy_controller.loop.shard import Shard
from understudy_domain.keys import ArrivalsSubject, parse_arrivals_subject
from understudy_runtime.messages import StoredMessage

_A, _B, _C = "a" * 32, "b" * 32, "c" * 32


def _message(sequence: int, guid: str | None, *, shard: int = 1, instant: int | None = None) -> Message:
    subject = f"arrivals.{shard}.{guid}.1" if guid is not None else f"arrivals.{shard}.clock"
    stamp = sequence if instant is None else instant
    return StoredMessage(subject, sequence, stamp, b"", 0), _parsed(subject, shard, guid)


def _parsed(subject: str, shard: int, guid: str | None) -> ArrivalsSubject:
    parsed = parse_arrivals_subject(subject)
    assert (parsed.shard, parsed.channel_guid) == (shard, guid)
    return parsed


class _Taken:
    """What was taken in, in order: sequences."""

    def __init__(self, *, holds: Callable[[int], bool] = lambda _: True) -> None:
        self.sequences: list[int] = []
        self.rounds = Rounds(self._take, holds=holds)
        self.on_taken: Callable[[int], None] = lambda _: None

    def _take(self, message: Message) -> None:
        self.sequences.append(message[0].sequence)
        self.on_taken(message[0].sequence)

    async def work_off(self, *batches: Sequence[Message]) -> None:
        await asyncio.gather(*(self.rounds.work_off(Shard(batch[0][1].shard), batch) for batch in batches))


async def test_a_channels_messages_are_taken_in_one_after_the_other_and_in_order() -> None:
    taken = _Taken()
    await taken.work_off([_message(1, _B), _message(2, _A), _message(3, _B), _message(4, _A), _message(5, _B)])
    assert taken.sequences == [2, 4, 1, 3, 5]


async def test_ticks_come_last_for_they_speak_of_all_that_was_stored_before() -> None:
    taken = _Taken()
    await taken.work_off([_message(1, None), _message(2, _A), _message(3, None), _message(4, _B)])
    assert taken.sequences == [2, 4, 1, 3]


async def test_a_tick_comes_before_what_follows_it_and_is_stamped_earlier() -> None:
    taken = _Taken()
    await taken.work_off(
        [_message(1, _B), _message(2, None, instant=12), _message(3, _A, instant=12), _message(4, _A, instant=11)]
    )
    assert taken.sequences == [3, 1, 2, 4]


async def test_shards_that_have_something_at_once_share_a_round_and_those_with_a_tick_come_first() -> None:
    taken = _Taken()
    two = [_message(2, _B, shard=2), _message(3, None, shard=2), _message(5, _A, shard=2)]
    await taken.work_off([_message(1, _C), _message(4, _A)], two, [_message(6, _A, shard=3)])
    assert taken.sequences == [5, 2, 3, 4, 1, 6]


async def test_nothing_of_a_shard_that_is_given_up_is_taken_in_any_more() -> None:
    taken = _Taken()
    reading = asyncio.create_task(taken.rounds.work_off(Shard(1), [_message(1, _A), _message(2, _B), _message(3, _C)]))
    other = asyncio.create_task(taken.rounds.work_off(Shard(2), [_message(4, _C, shard=2)]))

    def give_up(sequence: int) -> None:
        if sequence == 2:
            reading.cancel()

    taken.on_taken = give_up
    await other
    assert reading.cancelled()
    assert taken.sequences == [1, 2, 4]


async def test_nothing_is_taken_in_while_the_lease_has_lapsed_and_all_of_it_once_it_is_renewed() -> None:
    held = {1: False, 2: True}
    taken = _Taken(holds=lambda shard: held[shard])
    lapsed = asyncio.create_task(taken.rounds.work_off(Shard(1), [_message(1, _A), _message(2, _B), _message(3, _A)]))
    await taken.work_off([_message(4, _C, shard=2)])
    await taken.work_off([_message(5, _C, shard=2)])
    assert taken.sequences == [4, 5]
    assert not lapsed.done()
    held[1] = True
    await lapsed
    assert taken.sequences == [4, 5, 1, 3, 2]


async def test_a_lease_that_lapses_amid_a_batch_leaves_what_follows_for_later_although_it_is_renewed_at_once() -> None:
    lapses = iter([True, False, True, True, True, True])
    taken = _Taken(holds=lambda _: next(lapses))
    await taken.work_off([_message(1, _A), _message(2, _A), _message(3, _A)])
    assert taken.sequences == [1, 2, 3]


async def test_a_failure_is_told_to_all_who_wait_and_later_rounds_go_on() -> None:
    taken = _Taken()

    def fail(_: int) -> None:
        raise ValueError("no such thing")

    taken.on_taken = fail
    waiting = [taken.rounds.work_off(Shard(shard), [_message(shard, _A, shard=shard)]) for shard in (1, 2)]
    assert [type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)] == [ValueError, ValueError]
    taken.on_taken = lambda _: None
    await taken.work_off([_message(7, _A)])
    assert taken.sequences[-1] == 7
