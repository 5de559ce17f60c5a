"""The harvester's parts that need nobody: its settings, its pace, its patience."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from understudy_domain.harvest_asset import HarvestFailed
from understudy_harvester.pace import Pace
from understudy_harvester.patience import Patience
from understudy_harvester.settings import HarvesterSettings
from understudy_runtime.errors import BucketMissing, ObjectMissing, StorageRefused, StorageUnavailable


def test_assets_go_where_the_media_is_unless_told() -> None:
    settings = HarvesterSettings.model_validate(
        {"s3_endpoint_url": "http://media", "s3_access_key_id": "reader", "s3_secret_access_key": "read"}
    )
    found = settings.destination("vod")
    assert (found.s3_bucket, found.s3_endpoint_url, found.s3_access_key_id) == ("vod", "http://media", "reader")


def test_half_of_a_key_for_assets_is_refused() -> None:
    with pytest.raises(ValidationError, match="UNDERSTUDY_HARVEST_S3_SECRET_ACCESS_KEY belong together"):
        HarvesterSettings(harvest_s3_access_key_id="writer")


def test_assets_may_go_elsewhere_with_credentials_of_their_own() -> None:
    settings = HarvesterSettings.model_validate(
        {
            "s3_endpoint_url": "http://media",
            "s3_access_key_id": "reader",
            "s3_secret_access_key": "read",
            "harvest_s3_endpoint_url": "http://vod",
            "harvest_s3_region": "eu-west-1",
            "harvest_s3_access_key_id": "writer",
            "harvest_s3_secret_access_key": "write",
        }
    )
    found = settings.destination("vod")
    secret = found.s3_secret_access_key
    assert secret is not None
    assert (found.s3_endpoint_url, found.s3_region, found.s3_access_key_id, secret.get_secret_value()) == (
        *("http://vod", "eu-west-1", "writer"),
        "write",
    )


@pytest.mark.looptime
async def test_so_many_segments_are_copied_at_a_time_and_no_more() -> None:
    pace = Pace(segments_max=2, bytes_per_second=0)
    await pace.enter(1)
    await pace.enter(1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pace.enter(1), 1)
    pace.leave()
    await asyncio.wait_for(pace.enter(1), 1)


async def test_what_refuses_for_good_fails_at_once_and_what_is_away_is_asked_again() -> None:
    failed: list[int] = []
    patience = Patience(seconds=60, on_error=lambda: failed.append(1))
    answers: list[Exception | None] = [StorageUnavailable("away"), None]

    async def work() -> str:
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return patience.message

    assert await patience.until_done("x", work) == "waits: away"
    assert (patience.message, failed) == ("", [1])
    for err, words in (
        (BucketMissing("x"), "no such bucket"),
        (ObjectMissing("media/x"), "the media of x has been removed: media/x"),
    ):
        answers = [err]
        with pytest.raises(HarvestFailed, match=words):
            await patience.until_done("the media of x", work)


@pytest.mark.looptime
@pytest.mark.parametrize(("refusals", "is_done"), [(5, True), (6, False)])
async def test_a_storage_that_refuses_is_asked_a_few_times(refusals: int, *, is_done: bool) -> None:
    patience = Patience(seconds=60, on_error=lambda: None)
    left = [refusals]

    async def work() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise StorageRefused("denied")
        return "stored"

    if is_done:
        assert await patience.until_done("x", work) == "stored"
    else:
        with pytest.raises(HarvestFailed, match="refuses: denied"):
            await patience.until_done("x", work)


async def test_what_is_away_for_too_long_fails() -> None:
    patience = Patience(seconds=0, on_error=lambda: None)

    async def work() -> None:
        raise StorageUnavailable("away")

    with pytest.raises(HarvestFailed, match="gave up after 0 s: away"):
        await patience.until_done("x", work)
