"""What all panels and dashboards have in common, so that they look and behave alike.

Colours say how bad a thing is and are never alone: a value, a word or a legend says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

GOOD, CARE, BAD, NEUTRAL = "green", "orange", "red", "text"
INPUT_COLOURS = {"1": "blue", "2": "purple"}

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "understudy"
SHOWN_BY_DEFAULT = "now-1h"
INSTALLATION = 'namespace=~"$namespace"'
"""What every selector has: a Prometheus may watch several installations."""

_WIDTH = 24
_HEIGHT = 8


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and how its series are called."""

    expression: str
    legend: str = ""


Steps = Sequence[tuple[float | None, str]]
"""From which value on which colour; the first is None: from the beginning."""


def dashboard_of(uid: str, title: str, description: str) -> dashboard.Dashboard:
    """An empty dashboard with the variables that all have, and links to the others."""
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .timezone("browser")
        .time(SHOWN_BY_DEFAULT, "now")
        .refresh("10s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(
            _variable("namespace", "Installation", "label_values(understudy_config_channels, namespace)")
            .include_all(True)
            .all_value(".*")
            .current(models.VariableOption(selected=True, text="All", value="$__all"))
        )
        .link(
            dashboard.DashboardLink("Understudy")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
    )


def variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """A variable whose values are those of a label: one at a time, so that a page is about one thing."""
    return _variable(name, label, query)


def _variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )


def row(title: str) -> dashboard.Row:
    """A heading over the panels that follow."""
    return dashboard.Row(title)


def number(
    title: str,
    query: Query,
    description: str,
    *,
    steps: Steps = ((None, NEUTRAL),),
    unit: str = "short",
    width: int = 4,
) -> stat.Panel:
    """One number, as of now."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .with_target(_target(query, 0, is_instant=True))
        .unit(unit)
        .thresholds(_thresholds(steps))
        .color_mode(common_models.BigValueColorMode.BACKGROUND)
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("none")
        .height(4)
        .span(width)
    )


def lines(
    title: str,
    queries: Sequence[Query],
    description: str,
    *,
    unit: str = "short",
    width: int = _WIDTH // 2,
    is_stacked: bool = False,
    smallest: float | None = None,
) -> timeseries.Panel:
    """Lines over time, or bars upon each other."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .show_points(common_models.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .placement(common_models.LegendPlacement.BOTTOM)
            .display_mode(common_models.LegendDisplayMode.LIST)
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING)
        )
        .height(_HEIGHT)
        .span(width)
    )
    for name, colour in INPUT_COLOURS.items():
        panel.override_by_name(
            f"input {name}", [models.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})]
        )
    if is_stacked:
        panel.draw_style(common_models.GraphDrawStyle.BARS).fill_opacity(80).stacking(
            common.StackingConfig().mode(common_models.StackingMode.NORMAL)
        )
    if smallest is not None:
        panel.axis_soft_min(smallest)
    for index, query in enumerate(queries):
        panel.with_target(_target(query, index))
    return panel


def states(
    title: str, query: Query, description: str, *, named: Mapping[str, tuple[str, str]], width: int = _WIDTH // 2
) -> statetimeline.Panel:
    """What was so for how long; ``named``: text and colour of each value."""
    results = {
        value: models.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(named.items())
    }
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .with_target(_target(query, 0))
        .mappings([models.ValueMap(options=results)])
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        .thresholds(_thresholds([(None, NEUTRAL)]))
        .show_value(common_models.VisibilityMode.AUTO)
        .merge_values(True)
        .legend(
            common.VizLegendOptions()
            .show_legend(False)
            .placement(common_models.LegendPlacement.BOTTOM)
            .display_mode(common_models.LegendDisplayMode.LIST)
        )
        .tooltip(
            common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.SINGLE).sort(common_models.SortOrder.NONE)
        )
        .height(_HEIGHT - 1)
        .span(width)
    )


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: an expression as of now, its unit, and its colours."""

    title: str
    expression: str
    unit: str = "short"
    steps: Steps = ((None, NEUTRAL),)


def rows_of(
    title: str,
    labels: Mapping[str, str],
    columns: Sequence[Column],
    description: str,
    *,
    worst: str,
    worst_is_highest: bool = True,
    link: tuple[str, str] | None = None,
) -> table.Panel:
    """A row for each set of labels, the worst first.

    Args:
        title: of the panel.
        labels: that a row is of, with how they are called.
        columns: besides; expressions are aggregated by those labels.
        description: of the panel.
        worst: title of the column to sort by.
        worst_is_highest: in which order.
        link: title and URL for the first label.
    """
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            models.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {"Time": True},
                    "renameByName": {
                        **labels,
                        **{f"Value #{_letter(index)}": column.title for index, column in enumerate(columns)},
                    },
                },
            )
        )
        .sort_by([common.TableSortByFieldState().display_name(worst).desc(worst_is_highest)])
        .height(_HEIGHT + 2)
        .span(_WIDTH)
    )
    for index, column in enumerate(columns):
        panel.with_target(_target(Query(column.expression), index, is_instant=True, is_table=True))
        panel.override_by_name(
            column.title,
            [
                models.DynamicConfigValue("unit", column.unit),
                models.DynamicConfigValue("thresholds", _plain(column.steps)),
                models.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
            ],
        )
    if link is not None:
        to = {"title": link[0], "url": link[1], "targetBlank": False}
        panel.override_by_name(next(iter(labels.values())), [models.DynamicConfigValue("links", [to])])
    return panel


def _letter(index: int) -> str:
    return chr(ord("A") + index)


def _target(query: Query, index: int, *, is_instant: bool = False, is_table: bool = False) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(_letter(index)).datasource(SOURCE).expr(query.expression)
    if query.legend:
        target.legend_format(query.legend)
    if is_table:
        target.format(PromQueryFormat.TABLE)
    return target.instant() if is_instant else target.range()


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=colour) for value, colour in steps])
    )


def _plain(steps: Steps) -> dict[str, object]:
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]}
