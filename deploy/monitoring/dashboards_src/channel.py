"""One channel: its inputs over its origin endpoints, on one time axis."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards_src.panels import (
    BAD,
    CARE,
    GOOD,
    INPUT_COLOURS,
    INSTALLATION,
    NEUTRAL,
    Query,
    dashboard_of,
    lines,
    number,
    row,
    states,
    variable,
)

UID = "understudy-channel"
_CHANNEL = f'{INSTALLATION}, channel="$channel"'


def channel() -> Dashboard:
    """What happened to a channel, and what viewers saw of it."""
    page = dashboard_of(
        UID,
        "Understudy channel",
        "The two inputs of a channel, what its origin endpoints made of them, and what viewers saw.",
    ).with_variable(
        variable("channel", "Channel", f"label_values(understudy_input_delivering{{{INSTALLATION}}}, channel)")
    )
    _at_a_glance(page)
    page.with_row(row("Inputs"))
    _inputs(page)
    page.with_row(row("Origin endpoints"))
    _endpoints(page)
    page.with_row(row("What viewers saw"))
    _viewers(page)
    return page


def _of_input(metric: str, *, how: str = "max") -> str:
    return f"{how} by (input) ({metric}{{{_CHANNEL}}})"


def _of_endpoint(metric: str, *, how: str = "max") -> str:
    return f"{how} by (origin_endpoint) ({metric}{{{_CHANNEL}}})"


def _rate(metric: str, by: str, matchers: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{_CHANNEL}{matchers}}}[$__rate_interval]))"


def _at_a_glance(page: Dashboard) -> None:
    for panel in (
        number(
            "Inputs that are well",
            Query(f"sum({_of_input('understudy_input_steady_seconds')} >= bool 60)"),
            "Complete and on time for a minute.",
            steps=((None, BAD), (1, CARE), (2, GOOD)),
        ),
        number(
            "Interchangeable",
            Query(f"max(understudy_interchange_grade{{{_CHANNEL}}})"),
            "How far one input is proven to stand for the other: 0 not, 1 between slots, 2 within a slot as well.",
            steps=((None, CARE), (1, GOOD)),
        ),
        number(
            "Lowest headroom",
            Query(f"min(understudy_headroom_lowest_seconds{{{_CHANNEL}}})"),
            "What the latest slot of the last minute had left before its deadline, of all origin endpoints.",
            steps=((None, BAD), (0.25, CARE), (0.5, GOOD)),
            unit="s",
        ),
        number(
            "Held for",
            Query(f"max(understudy_hold_seconds{{{_CHANNEL}}})"),
            "For how long an origin endpoint has had nothing to publish.",
            steps=((None, GOOD), (0.001, BAD)),
            unit="s",
        ),
        number(
            "Lost",
            Query(
                f"sum(increase(understudy_gap_seconds_total{{{_CHANNEL}}}[$__range])) "
                f"+ sum(increase(understudy_skipped_seconds_total{{{_CHANNEL}}}[$__range]))"
            ),
            "Programme that viewers were not shown within the time that is shown here, of all origin endpoints.",
            steps=((None, GOOD), (0.001, BAD)),
            unit="s",
        ),
        number(
            "Failovers",
            Query(f'round(sum(increase(understudy_decisions_total{{{_CHANNEL}, reason="failover"}}[$__range])))'),
            "Within the time that is shown here, of all origin endpoints.",
            steps=((None, GOOD), (1, CARE)),
        ),
    ):
        page.with_panel(panel)


def _inputs(page: Dashboard) -> None:
    page.with_panel(
        states(
            "Delivering",
            Query(_of_input("understudy_input_delivering"), "input {{input}}"),
            "An input is dead when nothing has come for three segments and the tolerance.",
            named={"1": ("delivers", GOOD), "0": ("delivers nothing", BAD)},
        )
    ).with_panel(
        states(
            "Interchangeable",
            Query(f"max(understudy_interchange_grade{{{_CHANNEL}}})", "inputs"),
            "Proven on the segments that both deliver. Begins anew when an encoder restarts.",
            named={"0": ("not proven", CARE), "1": ("between slots", GOOD), "2": ("within a slot as well", GOOD)},
        )
    ).with_panel(
        lines(
            "Since the last segment",
            [Query(_of_input("understudy_input_age_seconds"), "input {{input}}")],
            "A saw tooth as high as a segment is long; what is higher is late.",
            unit="s",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Lateness",
            [Query(_of_input("understudy_input_lateness_seconds"), "input {{input}}")],
            "By how much later than usual the newest segment has come. The tolerance is half a slot, 1 s at least.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Skew",
            [
                Query(f"max(understudy_arrival_skew_seconds{{{_CHANNEL}}})", "arrival: input 2 later than input 1"),
                Query(
                    f"max(understudy_date_skew_seconds{{{_CHANNEL}}})", "program date time: input 2 ahead of input 1"
                ),
            ],
            "Of the two inputs. A skew of arrival is waited for; one of the dates is a clock that is off.",
            unit="s",
        )
    ).with_panel(
        lines(
            "Left out and marked as filler",
            [
                Query(_rate("understudy_input_missing_seconds_total", "input"), "input {{input}} left out, seconds"),
                Query(
                    _rate("understudy_input_filler_segments_total", "input"),
                    "input {{input}} marked as filler, segments",
                ),
            ],
            "A second: programme that an input did not deliver, and segments that its playlists mark as filler.",
            is_stacked=True,
        )
    ).with_panel(
        lines(
            "Bit rate",
            [Query(f"8 * {_rate('understudy_ingest_bytes_total', 'input')}", "input {{input}}")],
            "Of what is stored, all renditions together.",
            unit="bps",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Refused, damaged, unlisted",
            [
                Query(_rate("understudy_ingest_unauthorized_total", "input"), "input {{input}} wrong credentials"),
                Query(_rate("understudy_ingest_continuity_errors_total", "input"), "input {{input}} packets lost"),
                Query(_of_input("understudy_unlisted_segments"), "input {{input}} segments in no playlist"),
            ],
            "What an encoder or its settings do wrong.",
            smallest=0,
        )
    )


def _endpoints(page: Dashboard) -> None:
    page.with_panel(
        states(
            "Active input",
            Query(
                f'sum by (origin_endpoint) (understudy_active_input{{{_CHANNEL}, input="1"}}) '
                f'+ 2 * sum by (origin_endpoint) (understudy_active_input{{{_CHANNEL}, input="2"}})',
                "{{origin_endpoint}}",
            ),
            "Which input each origin endpoint follows.",
            named={
                "0": ("not started", NEUTRAL),
                "1": ("input 1", INPUT_COLOURS["1"]),
                "2": ("input 2", INPUT_COLOURS["2"]),
            },
        )
    ).with_panel(
        lines(
            "Headroom",
            [
                Query(_of_endpoint("understudy_headroom_lowest_seconds", how="min"), "{{origin_endpoint}}"),
                Query(_of_endpoint("understudy_headroom_usual_seconds"), "{{origin_endpoint}} when nothing is late"),
            ],
            "How far before its deadline the latest slot of each minute was complete. At 0 the endpoint repairs or "
            "fails over, below it holds.",
            unit="s",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Decisions but for keep, by reason",
            [
                Query(
                    "sum by (origin_endpoint, reason) (increase(understudy_decisions_total"
                    f'{{{_CHANNEL}, reason!~"keep|start"}}[$__rate_interval])) > 0',
                    "{{origin_endpoint}} {{reason}}",
                )
            ],
            "Slots that did not simply come from the active input.",
            is_stacked=True,
        )
    ).with_panel(
        lines(
            "Programme from each input",
            [
                Query(
                    _rate("understudy_published_seconds_total", "origin_endpoint, input"),
                    "{{origin_endpoint}} from input {{input}}",
                )
            ],
            "Seconds of programme a second; together 1 for each origin endpoint.",
            unit="s",
            is_stacked=True,
        )
    )


def _viewers(page: Dashboard) -> None:
    page.with_panel(
        lines(
            "Held",
            [Query(_of_endpoint("understudy_hold_seconds"), "{{origin_endpoint}}")],
            "For how long the next slot has been waited for past its deadline.",
            unit="s",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Lost, waited for, and broken",
            [
                Query(
                    _rate("understudy_gap_seconds_total", "origin_endpoint, of"), "{{origin_endpoint}} gap of a {{of}}"
                ),
                Query(_rate("understudy_skipped_seconds_total", "origin_endpoint"), "{{origin_endpoint}} passed over"),
                Query(_rate("understudy_stalled_seconds_total", "origin_endpoint"), "{{origin_endpoint}} waited"),
                Query(
                    _rate("understudy_discontinuities_total", "origin_endpoint"), "{{origin_endpoint}} discontinuities"
                ),
            ],
            "Seconds, or discontinuities, a second.",
            is_stacked=True,
        )
    ).with_panel(
        lines(
            "Age of playlists",
            [
                Query(
                    f"max by (origin_endpoint, instance) (understudy_playlist_age_seconds{{{_CHANNEL}}})",
                    "{{origin_endpoint}} at {{instance}}",
                ),
                Query(_of_endpoint("understudy_target_duration_seconds"), "{{origin_endpoint}} target duration"),
            ],
            "Since the newest listed segment became available, of each egress process that was asked for it.",
            unit="s",
            smallest=0,
        )
    )
