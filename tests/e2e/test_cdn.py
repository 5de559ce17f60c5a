"""A minute of live programme through nginx and Varnish as docs/cdn.md sets them up, with a failover in it.

One run: viewers of both caches, some that ask too early, an encoder that goes away, egress processes that are killed.
The tests then look at what came of it.
"""

from __future__ import annotations

import pytest

from support.browser import MissingProgram
from support.cdn_report import CdnRun
from support.cdn_run import CdnDirector
from support.control import Control
from support.stack import Stack

pytestmark = pytest.mark.takes(seconds=80)

DURATION_SECONDS = 60
VIEWERS = 40

each_cdn = pytest.mark.parametrize("name", ["nginx", "varnish"])


@pytest.fixture(scope="module")
def run(stack: Stack, control: Control, tmp_path_factory: pytest.TempPathFactory) -> CdnRun:
    """The run, once for all tests of this module."""
    directory = tmp_path_factory.mktemp("cdn")
    director = CdnDirector(stack, control, directory, duration_seconds=DURATION_SECONDS, viewers=VIEWERS)
    try:
        played = director.play()
    except MissingProgram as missing:
        missing.skip()
    print(played.table())
    return played


@each_cdn
def test_no_viewer_gets_an_error_or_other_bytes_or_a_playlist_that_runs_back(run: CdnRun, name: str) -> None:
    assert run.reports[name].seen.problems == []
    assert run.reports[name].seen.segments > VIEWERS / 2 * 20


@each_cdn
def test_no_playlist_is_behind_by_more_than_half_a_target_duration(run: CdnRun, name: str) -> None:
    assert run.behind(name) == []
    assert len(run.reports[name].seen.stale_seconds) > 10 * DURATION_SECONDS


@each_cdn
def test_what_was_asked_for_too_early_comes_as_soon_as_it_is_there(run: CdnRun, name: str) -> None:
    seen = run.reports[name].seen
    assert seen.early_playlists > 0
    assert seen.early_segments > len(seen.waited_seconds) > DURATION_SECONDS / 4


@each_cdn
def test_each_segment_and_each_version_of_a_playlist_is_fetched_from_egress_once(run: CdnRun, name: str) -> None:
    assert run.fetched_again(name) == []
    assert run.reports[name].answered(".ts", 200).total() >= DURATION_SECONDS / 3


@each_cdn
def test_what_has_not_changed_costs_egress_no_body(run: CdnRun, name: str) -> None:
    assert run.reports[name].answered(".m3u8", 304).total() > 0


def test_heads_ranges_conditions_and_a_blackout_go_through_both(run: CdnRun) -> None:
    assert run.inspected == []


def test_both_caches_went_through_a_failover_and_the_loss_of_each_egress(run: CdnRun) -> None:
    assert run.failovers >= 1
    assert run.kills == 2
    for report in run.reports.values():
        assert any(request.status is None for request in report.origin), "nobody was asked in vain"
