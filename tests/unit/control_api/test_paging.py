"""Pages and their tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_controller.api.paging import page_of
from understudy_domain.channel import Channel
from understudy_domain.errors import InvalidResource

IDS = st.text("abcXYZ019_-", min_size=1, max_size=8)


def channels(ids: set[str]) -> list[Channel]:
    return [Channel(id=channel_id, guid="0" * 32, ingest_endpoints=(), created_at=0) for channel_id in ids]


@given(ids=st.sets(IDS), length=st.integers(1, 5))
def test_pages_list_every_resource_once_in_order(ids: set[str], length: int) -> None:
    listed: list[str] = []
    token: str | None = None
    while True:
        page, token = page_of("channels", channels(ids), length=length, token=token)
        assert len(page) == length or token is None
        listed += [channel.id for channel in page]
        if token is None:
            break
    assert listed == sorted(ids)


@given(before=st.sets(IDS, min_size=2), after=st.sets(IDS))
def test_what_is_there_all_along_is_listed_once_whatever_comes_and_goes(before: set[str], after: set[str]) -> None:
    page, token = page_of("channels", channels(before), length=len(before) - 1, token=None)
    assert token is not None
    rest, _ = page_of("channels", channels(after), length=1_000, token=token)
    seen = [channel.id for channel in [*page, *rest]]
    assert len(seen) == len(set(seen))
    assert before & after <= set(seen)


@pytest.mark.parametrize("token", ["", "x", "MTo", "1:a", "MTphL2I", "MjphYmM", "é", "MTphYmM\n", "%%%%"])
def test_a_token_of_somebody_else_is_refused_by_name(token: str) -> None:
    with pytest.raises(InvalidResource, match="nextToken"):
        page_of("channels", [], length=1, token=token)


def test_a_token_of_another_list_is_refused_and_skips_nothing() -> None:
    _, token = page_of("channels", channels({"a", "b"}), length=1, token=None)
    with pytest.raises(InvalidResource, match="nextToken"):
        page_of("origin_endpoints", [], length=1, token=token)
