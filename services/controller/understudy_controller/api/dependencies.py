"""What handlers ask for, taken from the running process."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from understudy_controller.api.endings import Endings
from understudy_controller.api.harvest_jobs import HarvestControl
from understudy_controller.api.inspection import Inspection
from understudy_controller.api.render import Renderer
from understudy_controller.api.service import ControlService
from understudy_controller.api.switchovers import Switchovers
from understudy_controller.process import Process
from understudy_controller.webhooks.part import Webhooks


async def _service(request: Request) -> ControlService:
    process: Process = request.app.state.process
    return (await process.context()).service


def _renderer(request: Request) -> Renderer:
    process: Process = request.app.state.process
    return process.renderer


async def _inspection(request: Request) -> Inspection:
    process: Process = request.app.state.process
    return (await process.context()).inspection


async def _switchovers(request: Request) -> Switchovers:
    process: Process = request.app.state.process
    return (await process.context()).switchovers


async def _endings(request: Request) -> Endings:
    process: Process = request.app.state.process
    return (await process.context()).endings


async def _harvest(request: Request) -> HarvestControl:
    process: Process = request.app.state.process
    return (await process.context()).harvest


async def _webhooks(request: Request) -> Webhooks:
    process: Process = request.app.state.process
    return (await process.context()).webhooks


def _request_id(request: Request) -> str:
    request_id: str = request.state.request_id
    return request_id


Service = Annotated[ControlService, Depends(_service)]
Inspected = Annotated[Inspection, Depends(_inspection)]
Ordered = Annotated[Switchovers, Depends(_switchovers)]
Ended = Annotated[Endings, Depends(_endings)]
Harvested = Annotated[HarvestControl, Depends(_harvest)]
Hooked = Annotated[Webhooks, Depends(_webhooks)]
RequestId = Annotated[str, Depends(_request_id)]
Rendered = Annotated[Renderer, Depends(_renderer)]
MaxResults = Annotated[int | None, Query(alias="maxResults", ge=1, le=1_000)]
NextToken = Annotated[str | None, Query(alias="nextToken", max_length=1_024)]
