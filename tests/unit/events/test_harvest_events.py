from __future__ import annotations

from dataclasses import replace

from support.program_entries import CHANNEL_GUID, ENDPOINT_GUID, START, make_endpoint, seconds
from understudy_domain.event import EventKind
from understudy_domain.event_view import event_view
from understudy_domain.harvest_events import harvest_event
from understudy_domain.harvest_job import HarvestDestination, HarvestJob, HarvestPlan, HarvestStatus

JOB = HarvestJob(
    id="show",
    guid="a" * 32,
    origin_endpoint=make_endpoint(),
    start=START,
    end=START + seconds(60),
    destination=HarvestDestination("vod", "shows/index.m3u8", "role"),
    created_at=START,
    status=HarvestStatus.SUCCEEDED,
    plan=HarvestPlan(0, 9, ("v1",), 10, 1_000),
    ended_at=START + seconds(90),
)


def test_a_job_that_is_done_says_what_is_where() -> None:
    event = harvest_event(replace(JOB, message="the programme ends 6 s before the window"))
    assert event.words == (
        "Harvest job show has written 10 segments of 08:00:00.000 to 08:01:00.000 to vod/shows/index.m3u8; "
        "the programme ends 6 s before the window."
    )
    assert event.id == f"harvest_succeeded.{CHANNEL_GUID}.{ENDPOINT_GUID}.{'a' * 32}"
    assert event_view(event).harvest_job == "show"


def test_a_job_that_failed_says_why() -> None:
    event = harvest_event(replace(JOB, status=HarvestStatus.FAILED, message="there is no such bucket"))
    assert (event.kind, event.words) == (
        EventKind.HARVEST_FAILED,
        "Harvest job show failed: there is no such bucket.",
    )
