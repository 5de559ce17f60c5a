"""The operations of MediaPackage v1 that this release does not have: each says so, instead of "no such path"."""

from __future__ import annotations

from typing import Final, NoReturn

from fastapi import APIRouter, Request

from understudy_controller.api.errors import OperationNotBuilt

NOT_BUILT: Final = (
    ("POST", "/harvest_jobs", "CreateHarvestJob"),
    ("GET", "/harvest_jobs", "ListHarvestJobs"),
    ("GET", "/harvest_jobs/{harvest_job_id}", "DescribeHarvestJob"),
)

router = APIRouter(tags=["not built yet"])


async def _not_built(request: Request) -> NoReturn:
    name = request.scope["route"].name
    raise OperationNotBuilt(f"{name} is not built yet in this release of Understudy; nothing was changed")


for _method, _path, _name in NOT_BUILT:
    router.add_api_route(
        _path,
        _not_built,
        methods=[_method],
        name=_name,
        summary=_name,
        response_model=None,
        description="Answers 422: not built yet.",
    )
