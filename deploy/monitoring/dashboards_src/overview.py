"""All channels on one page: is anything sick, did anything move, did a viewer see anything."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.builders.table import Panel

from dashboards_src.panels import (
    BAD,
    CARE,
    GOOD,
    INSTALLATION,
    NEUTRAL,
    Column,
    Query,
    dashboard_of,
    lines,
    number,
    row,
    rows_of,
)

UID = "understudy-overview"
CHANNEL_PAGE = "/d/understudy-channel?var-channel=${__data.fields.Channel}&${datasource:queryparam}&${__url_time_range}"
WELL_SECONDS = 60
"""As long as an input has to be complete and on time to count as one to spare; as in the alerts."""

_LOST = (
    f"sum by (channel) (increase(understudy_gap_seconds_total{{{INSTALLATION}}}[1h]))"
    f" + sum by (channel) (increase(understudy_skipped_seconds_total{{{INSTALLATION}}}[1h]))"
)
_WELL = (
    "sum by (channel) (max by (channel, input) "
    f"(understudy_input_steady_seconds{{{INSTALLATION}}}) >= bool {WELL_SECONDS})"
)
_MOVED = f'sum by (channel) (increase(understudy_decisions_total{{{INSTALLATION}, reason="failover"}}[1h]))'
_HEADROOM = (
    f"min by (channel) (understudy_headroom_lowest_seconds{{{INSTALLATION}}}"
    f" / (understudy_headroom_usual_seconds{{{INSTALLATION}}} > 0))"
)
_NONE_IS_GOOD = ((None, GOOD), (0.001, BAD))


def overview() -> Dashboard:
    """The page to open at night."""
    page = dashboard_of(
        UID,
        "Understudy overview",
        "Which input is sick, which endpoints moved, whether a viewer saw anything.",
    )
    for panel in (
        number(
            "Channels",
            Query(f"max(understudy_config_channels{{{INSTALLATION}}})"),
            "Channels that are configured.",
        ),
        number(
            "Without an input to spare",
            Query(f"count({_WELL} < 2) or vector(0)"),
            "Channels of which fewer than two inputs have been complete and on time for a minute. Those that are fed "
            "on one URL count as well.",
            steps=((None, GOOD), (1, CARE)),
        ),
        number(
            "Endpoints that hold",
            Query(f"count(max by (origin_endpoint) (understudy_hold_seconds{{{INSTALLATION}}}) > 0) or vector(0)"),
            "Origin endpoints that have nothing to publish: players stop when their buffers are empty.",
            steps=((None, GOOD), (1, BAD)),
        ),
        number(
            "Lost in an hour",
            Query(f"sum({_LOST})"),
            "Seconds of programme that viewers were not shown, or not in every rendition: gaps and what was passed "
            "over, of all endpoints together.",
            steps=_NONE_IS_GOOD,
            unit="s",
        ),
        number(
            "Failovers in an hour",
            Query(f"round(sum({_MOVED}))"),
            "Origin endpoints that went to the other input because their own did not deliver. By itself no harm.",
            steps=((None, GOOD), (1, CARE)),
        ),
        number(
            "Lowest headroom",
            Query(f"min({_HEADROOM})"),
            "The latest slot of the last minute, of all endpoints. 100 %: as it was due; 0 %: at its deadline.",
            steps=((None, BAD), (0.33, CARE), (0.67, GOOD)),
            unit="percentunit",
        ),
    ):
        page.with_panel(panel)
    page.with_panel(_channels()).with_panel(_sick_inputs())
    page.with_row(row("Over time"))
    page.with_panel(
        lines(
            "Headroom, the ten lowest",
            [
                Query(
                    f"bottomk(10, min by (origin_endpoint) (understudy_headroom_lowest_seconds{{{INSTALLATION}}} "
                    f"/ (understudy_headroom_usual_seconds{{{INSTALLATION}}} > 0)))",
                    "{{origin_endpoint}}",
                )
            ],
            "What was left of the time that a slot may be late, of the latest slot of each minute. It falls before "
            "anything breaks.",
            unit="percentunit",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Changes of the active input",
            [
                Query(
                    "sum by (reason) (increase(understudy_decisions_total"
                    f'{{{INSTALLATION}, reason=~"failover|switchover|failback"}}[$__rate_interval]))',
                    "{{reason}}",
                )
            ],
            "By reason: the input failed, an operator asked, or the endpoint prefers the other.",
            is_stacked=True,
        )
    ).with_panel(
        lines(
            "What viewers saw",
            [
                Query(f"sum(rate(understudy_gap_seconds_total{{{INSTALLATION}}}[$__rate_interval]))", "gaps"),
                Query(
                    f"sum(rate(understudy_skipped_seconds_total{{{INSTALLATION}}}[$__rate_interval]))", "passed over"
                ),
                Query(f"sum(rate(understudy_stalled_seconds_total{{{INSTALLATION}}}[$__rate_interval]))", "waited"),
            ],
            "Seconds a second, of all endpoints together: programme that was lost, and time that viewers waited longer "
            "than planned.",
            unit="s",
            is_stacked=True,
        )
    ).with_panel(
        lines(
            "Repairs",
            [
                Query(
                    "sum by (reason) (increase(understudy_decisions_total"
                    f'{{{INSTALLATION}, reason=~"repair|combine|partial|gap"}}[$__rate_interval]))',
                    "{{reason}}",
                )
            ],
            "Slots that were not whole on one input: repaired or combined they are, partial or a gap they are not.",
            is_stacked=True,
        )
    )
    return page


def _channels() -> Panel:
    return rows_of(
        "Channels, the worst first",
        {"channel": "Channel"},
        [
            Column("Inputs to spare", f"{_WELL} - 1", steps=((None, CARE), (1, GOOD))),
            Column(
                "Interchangeable",
                f"max by (channel) (understudy_interchange_grade{{{INSTALLATION}}})",
                steps=((None, CARE), (1, GOOD)),
            ),
            Column("Headroom", _HEADROOM, unit="percentunit", steps=((None, BAD), (0.33, CARE), (0.67, GOOD))),
            Column(
                "Held for",
                f"max by (channel) (understudy_hold_seconds{{{INSTALLATION}}})",
                unit="s",
                steps=_NONE_IS_GOOD,
            ),
            Column("Lost in an hour", _LOST, unit="s", steps=_NONE_IS_GOOD),
            Column("Failovers in an hour", f"round({_MOVED})", steps=((None, NEUTRAL), (1, CARE))),
        ],
        "Interchangeable: 0 not, 1 between slots, 2 within a slot as well. A click on a channel leads to its page.",
        worst="Headroom",
        worst_is_highest=False,
        link=("Its page", CHANNEL_PAGE),
    )


def _sick_inputs() -> Panel:
    unwell = f"max by (channel, input) (understudy_input_steady_seconds{{{INSTALLATION}}}) < {WELL_SECONDS}"
    return rows_of(
        "Inputs that are not well",
        {"channel": "Channel", "input": "Input"},
        [
            Column("Well for", unwell, unit="s", steps=((None, BAD), (1, CARE))),
            Column(
                "Last segment",
                f"max by (channel, input) (understudy_input_age_seconds{{{INSTALLATION}}}) "
                f"and on (channel, input) {unwell}",
                unit="s",
            ),
            Column(
                "Left out in an hour",
                f"sum by (channel, input) (increase(understudy_input_missing_seconds_total{{{INSTALLATION}}}[1h])) "
                f"and on (channel, input) {unwell}",
                unit="s",
            ),
            Column(
                "Lateness",
                f"max by (channel, input) (understudy_input_lateness_seconds{{{INSTALLATION}}}) "
                f"and on (channel, input) {unwell}",
                unit="s",
            ),
        ],
        "Inputs that have not been complete and on time for a minute. Nothing here: all are well.",
        worst="Well for",
        worst_is_highest=False,
        link=("The channel's page", CHANNEL_PAGE),
    )
