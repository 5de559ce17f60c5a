"""Lists as AWS's own client reads them: page by page, in order, and as long as the page allows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from support.control_process import Controller
from support.nats_server import running_nats_server
from support.program_entries import make_endpoint
from understudy_controller.api import resources
from understudy_controller.api.models import CreateChannelRequest
from understudy_domain.harvest_job import HarvestDestination, HarvestJob, job_endpoint
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.harvest_jobs import HarvestJobs
from understudy_runtime.jetstream import connect
from understudy_runtime.settings import CommonSettings

NewId = Callable[[], str]

KINDS = [
    ("list_channels", "Channels", "/channels"),
    ("list_origin_endpoints", "OriginEndpoints", "/origin_endpoints"),
    ("list_harvest_jobs", "HarvestJobs", "/harvest_jobs"),
]
RESOURCES = 1_002


@pytest.mark.compatibility(
    "ListChannels.maxResults",
    "ListChannels.nextToken",
    "ListOriginEndpoints.maxResults",
    "ListOriginEndpoints.nextToken",
)
def test_paginators_list_everything_once(client: Any, new_id: NewId) -> None:
    prefix = new_id()
    made = sorted(f"{prefix}-{number}" for number in range(7))
    for channel_id in made:
        client.create_channel(Id=channel_id)
    pages = client.get_paginator("list_channels").paginate(PaginationConfig={"PageSize": 3})
    listed = [channel["Id"] for page in pages for channel in page["Channels"]]
    assert [channel_id for channel_id in listed if channel_id.startswith(prefix)] == made
    assert listed == sorted(listed)

    for number in range(5):
        client.create_origin_endpoint(Id=f"{prefix}-{number}", ChannelId=made[0], HlsPackage={})
    pages = client.get_paginator("list_origin_endpoints").paginate(ChannelId=made[0], PaginationConfig={"PageSize": 2})
    assert [len(page["OriginEndpoints"]) for page in pages] == [2, 2, 1]


@pytest.mark.compatibility("ListChannels.nextToken")
@pytest.mark.parametrize(
    "parameters", [{"MaxResults": 1, "NextToken": "nonsense"}, {"NextToken": "é"}, {"NextToken": ""}]
)
def test_a_token_of_somebody_else_is_refused(client: Any, parameters: dict[str, Any]) -> None:
    with pytest.raises(client.exceptions.UnprocessableEntityException, match="nextToken"):
        client.list_channels(**parameters)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A controller with more resources of each kind than a page has."""
    folder = tmp_path_factory.mktemp("crowded")
    with running_nats_server(folder / "nats") as nats:
        asyncio.run(_fill(CommonSettings(nats_url=nats.url)))
        with Controller(folder, nats_url=nats.url) as controller:
            yield controller


async def _fill(settings: CommonSettings) -> None:
    bus = await connect(settings, name="test")
    await bus.ensure_streams()
    config, jobs, now = ConfigStore(bus), HarvestJobs(bus), clock.now_ticks()
    await config.start()
    destination = HarvestDestination("vod", "one/index.m3u8", "role")

    async def one(number: int) -> None:
        name = f"n{number:04}"
        channel = resources.new_channel(CreateChannelRequest(id=name), now=now)
        await config.create(channel)
        endpoint = replace(make_endpoint(guid=resources.new_guid(), name=name), channel_id=name)
        await config.create(endpoint)
        guid = resources.new_guid()
        await jobs.create(HarvestJob(name, guid, job_endpoint(endpoint), now - 1, now, destination, now))

    # Not in order.
    for begin in range(0, RESOURCES, 100):
        await asyncio.gather(*(one(number) for number in reversed(range(begin, min(begin + 100, RESOURCES)))))
    await config.stop()
    await bus.close()


@pytest.mark.compatibility(
    "ListChannels",
    "ListChannels.channels",
    "ListChannels.maxResults",
    "ListChannels.nextToken",
    "ListOriginEndpoints",
    "ListOriginEndpoints.originEndpoints",
    "ListOriginEndpoints.maxResults",
    "ListOriginEndpoints.nextToken",
    "ListHarvestJobs",
    "ListHarvestJobs.harvestJobs",
    "ListHarvestJobs.maxResults",
    "ListHarvestJobs.nextToken",
)
@pytest.mark.parametrize(("operation", "field", "path"), KINDS)
def test_a_page_has_up_to_a_thousand_by_id(crowded: Controller, operation: str, field: str, path: str) -> None:
    list_ = getattr(crowded.client(), operation)
    names = [f"n{number:04}" for number in range(RESOURCES)]
    for asked in ({}, {"MaxResults": 1_000}):
        page = list_(**asked)
        assert [one["Id"] for one in page[field]] == names[:1_000]
        rest = list_(NextToken=page["NextToken"], **asked)
        assert [one["Id"] for one in rest[field]] == names[1_000:]
        assert "NextToken" not in rest
    assert [one["Id"] for one in list_(MaxResults=1)[field]] == names[:1]
    for refused in ("0", "1001", "-1", "x"):
        status, answer = crowded.json("GET", f"{path}?maxResults={refused}")
        assert (status, answer["message"].partition(":")[0]) == (422, "maxResults")
