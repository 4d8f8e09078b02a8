"""Panels: curves, single values and time lines. Tables are in `tables.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import common, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.built_part import BuiltPart
from deploy.grafana.queries import DATA_SOURCE, Query, targets
from deploy.grafana.scales import COUNT, NONE, Steps, Texts, mappings, thresholds

_MULTIPLE: Final = common.VizTooltipOptions(
    mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING
)
_LAST: Final = common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields="")


def framed(
    kind: str, title: str, description: str, queries: Sequence[Query], *, width: int, height: int
) -> builders.Panel:
    """Return a panel without its look.

    Args:
        kind: Grafana's name of the panel.
        title: What it shows, in plain words.
        description: What it means and what a reader may conclude.
        queries: Its queries.
        width: In columns of 24.
        height: In rows of 30 pixels.
    """
    return (
        builders.Panel()
        .type(kind)
        .title(title)
        .description(description)
        .datasource(DATA_SOURCE)
        .targets(list(targets(queries)))
        .span(width)
        .height(height)
    )


def curves(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    width: int = 12,
    height: int = 8,
    steps: Steps = (),
    decimals: int | None = None,
    least: float | None = None,
    stacked: bool = False,
    legend: bool = True,
) -> builders.Panel:
    """Return curves over time.

    Args:
        title: See `framed`.
        description: See `framed`.
        queries: See `framed`.
        unit: One of `scales.py`.
        width: See `framed`.
        height: See `framed`.
        steps: Limits to draw as dashed lines.
        decimals: Digits after the point; None lets Grafana choose.
        least: Lower end of the axis.
        stacked: Whether the curves are parts of a whole.
        legend: Whether to name the curves, with their last values.
    """
    custom = timeseries.FieldConfig(
        line_width=1,
        fill_opacity=40 if stacked else 0,
        show_points=common.VisibilityMode.NEVER,
        stacking=common.StackingConfig(
            mode=common.StackingMode.NORMAL if stacked else common.StackingMode.NONE, group="A"
        ),
        thresholds_style=common.GraphThresholdsStyleConfig(
            mode=common.GraphThresholdsStyleMode.DASHED if steps else common.GraphThresholdsStyleMode.OFF
        ),
    )
    options = timeseries.Options(
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.TABLE,
            placement=common.LegendPlacement.RIGHT,
            show_legend=legend,
            calcs=["lastNotNull"],
        ),
        tooltip=_MULTIPLE,
    )
    panel = (
        framed("timeseries", title, description, queries, width=width, height=height)
        .unit(unit)
        .thresholds(BuiltPart(thresholds(steps or NONE)))
        .color_scheme(builders.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
        .custom(custom)
        .options(options)
    )
    return _bounded(panel, decimals, least)


def counts(title: str, description: str, queries: Sequence[Query], *, width: int = 12) -> builders.Panel:
    """Return curves of whole numbers from zero; arguments as of `curves`."""
    return curves(title, description, queries, unit=COUNT, decimals=0, least=0.0, width=width)


def value(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str,
    width: int = 4,
    height: int = 4,
    steps: Steps = NONE,
    texts: Texts | None = None,
    decimals: int | None = None,
    missing: str = "not known",
    named: bool = False,
) -> builders.Panel:
    """Return one large value, coloured by its steps; of several series, one each.

    Args:
        title: See `framed`.
        description: See `framed`.
        query: Its query.
        unit: One of `scales.py`.
        width: See `framed`.
        height: See `framed`.
        steps: Colours by value.
        texts: Words instead of a number.
        decimals: Digits after the point.
        missing: Text when there is no sample.
        named: Whether to show the name of a series with its value.
    """
    options = stat.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.VALUE,
        justify_mode=common.BigValueJustifyMode.AUTO,
        text_mode=common.BigValueTextMode.VALUE_AND_NAME if named else common.BigValueTextMode.VALUE,
        reduce_options=_LAST,
        orientation=common.VizOrientation.AUTO,
    )
    panel = (
        framed("stat", title, description, [query], width=width, height=height)
        .unit(unit)
        .thresholds(BuiltPart(thresholds(steps)))
        .color_scheme(builders.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .mappings(mappings(texts or {}))
        .no_value(missing)
        .options(options)
    )
    return _bounded(panel, decimals, None)


def ladder(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    width: int = 8,
    height: int = 8,
    steps: Steps,
    decimals: int,
) -> builders.Panel:
    """Return named values below each other, in the order of the queries.

    Bars would begin at the lowest value and not at zero, so a lead of nothing would look like a long one.

    Args:
        title: See `framed`.
        description: See `framed`.
        queries: See `framed`.
        unit: One of `scales.py`.
        width: See `framed`.
        height: See `framed`.
        steps: Colours by value.
        decimals: Digits after the point.
    """
    options = stat.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.VALUE,
        justify_mode=common.BigValueJustifyMode.AUTO,
        text_mode=common.BigValueTextMode.VALUE_AND_NAME,
        reduce_options=_LAST,
        orientation=common.VizOrientation.HORIZONTAL,
        text=common.VizTextDisplayOptions(title_size=14, value_size=16),
    )
    return (
        framed("stat", title, description, queries, width=width, height=height)
        .unit(unit)
        .decimals(decimals)
        .thresholds(BuiltPart(thresholds(steps)))
        .color_scheme(builders.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .no_value("not known")
        .options(options)
    )


def time_line(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    texts: Texts,
    width: int = 24,
    height: int = 8,
    rows_a_page: int = 20,
) -> builders.Panel:
    """Return states over time, a row a series.

    Args:
        title: See `framed`.
        description: See `framed`.
        queries: See `framed`.
        texts: Word and colour of each state.
        width: See `framed`.
        height: See `framed`.
        rows_a_page: Rows before the reader has to turn the page.
    """
    options = statetimeline.Options(
        show_value=common.VisibilityMode.AUTO,
        merge_values=True,
        align_value=common.TimelineValueAlignment.LEFT,
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.LIST,
            placement=common.LegendPlacement.BOTTOM,
            show_legend=True,
        ),
        per_page=rows_a_page,
    )
    return (
        framed("state-timeline", title, description, queries, width=width, height=height)
        .unit("none")
        .thresholds(BuiltPart(thresholds(NONE)))
        .color_scheme(builders.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .mappings(mappings(texts))
        .custom(statetimeline.FieldConfig())
        .options(options)
    )


def _bounded(panel: builders.Panel, decimals: int | None, least: float | None) -> builders.Panel:
    if decimals is not None:
        panel.decimals(decimals)
    if least is not None:
        panel.min(least)
    return panel
