from __future__ import annotations

from dataclasses import replace

from support.program_entries import START, make_endpoint, seconds
from understudy_domain.harvest_job import HarvestDestination, HarvestJob, HarvestPlan, HarvestProgress, HarvestStatus
from understudy_local.harvests import line_of, plain

JOB = HarvestJob(
    id="monday-news",
    guid="a" * 32,
    origin_endpoint=make_endpoint(name="news-hls"),
    start=START,
    end=START + seconds(1_800),
    destination=HarvestDestination("vod", "news/monday.m3u8", "role"),
    created_at=START,
)


def test_a_job_that_has_not_begun_shows_what_it_waits_for() -> None:
    assert line_of(replace(JOB, message="waits")) == (
        "monday-news           in progress  [                    ] 0/? segments              0 B  "
        "2027-01-15T08:00:00Z to 08:30:00Z of news-hls  vod/news/monday.m3u8  (waits)"
    )
    assert (plain(JOB)["segments_total"], plain(JOB)["ended_at"]) == (None, None)


def test_a_job_shows_how_far_it_has_come() -> None:
    job = replace(JOB, plan=HarvestPlan(0, 899, ("v1",), 900, 10**9), progress=HarvestProgress(449, 450, 1_700_000_000))
    assert "[##########          ] 450/900 segments       1.7 GB" in line_of(job)
    assert plain(job)["segments_stored"] == 450


def test_a_job_that_is_done_says_so() -> None:
    job = replace(JOB, status=HarvestStatus.SUCCEEDED, ended_at=START)
    assert "  succeeded    [" in line_of(job)
    assert plain(job)["status"] == "SUCCEEDED"
