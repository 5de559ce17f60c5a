"""A harvester that meets what a newer release has written waits for the upgrade, and spoils no job."""

from __future__ import annotations

import pytest

from understudy_domain.errors import NewerRecord
from understudy_domain.harvest_asset import HarvestFailed
from understudy_harvester import patience
from understudy_harvester.patience import Patience
from understudy_runtime.errors import ObjectDiffers, ObjectOfANewerRelease


@pytest.mark.parametrize("error", [NewerRecord("an entry"), ObjectOfANewerRelease("a page")])
async def test_what_a_newer_release_wrote_is_waited_for(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_RETRY_SECONDS", (0.0,))
    tries: list[str] = []
    waiting = Patience(seconds=60, on_error=lambda: tries.append(""))

    async def work() -> str:
        if len(tries) < 3:
            raise error
        return "done"

    assert await waiting.until_done("the newest slot", work) == "done"
    assert len(tries) == 3


async def test_what_is_damaged_is_not() -> None:
    async def work() -> str:
        raise ObjectDiffers("a page")

    with pytest.raises(HarvestFailed, match="is damaged"):
        await Patience(seconds=60, on_error=lambda: None).until_done("a page", work)
