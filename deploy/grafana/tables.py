"""Tables: several queries with the same labels, merged into rows, with a meaning for each column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import common, table
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.built_part import BuiltPart
from deploy.grafana.panels import framed
from deploy.grafana.queries import rows
from deploy.grafana.scales import NONE, NUMBER, Steps, Texts, mappings, thresholds

_KEEP: Final = "${__url_time_range}&${datasource:queryparam}&${job:queryparam}&${instance:queryparam}"
TO_INSTRUMENT: Final = f"/d/rotascope-instrument/instrument?{_KEEP}&var-pair=${{__data.fields.Pair}}"
TO_EVENTS: Final = (
    f"/d/rotascope-events/events?{_KEEP}&var-pair=${{__data.fields.Pair}}"
    "&var-definition=${__data.fields.Definition}"
)
TO_DEFINITION: Final = f"/d/rotascope-events/events?{_KEEP}&var-definition=${{__data.fields.Definition}}"


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column.

    Args:
        title: Its heading.
        label: The label that it shows; for a column of values, empty.
        expression: The query whose value it shows; for a label, empty.
        unit: One of `scales.py`.
        steps: Colours by value.
        texts: Words instead of a number.
        decimals: Digits after the point.
        width: In pixels; None shares what is left.
        link: Where a click leads, and what the link is called.
    """

    title: str
    label: str = ""
    expression: str = ""
    unit: str = NUMBER
    steps: Steps = ()
    texts: Texts | None = None
    decimals: int | None = None
    width: int | None = None
    link: tuple[str, str] | None = None


def merged(
    title: str,
    description: str,
    columns: Sequence[TableColumn],
    *,
    width: int = 24,
    height: int = 10,
    sorted_by: str,
    descending: bool = True,
    missing: str = "nothing",
) -> builders.Panel:
    """Return a table.

    Args:
        title: What it shows, in plain words.
        description: What it means.
        columns: From left to right. Every query must give the labels that the other
            columns show, and no more.
        width: In columns of 24.
        height: In rows of 30 pixels.
        sorted_by: Heading of the column that orders the rows.
        descending: Largest first.
        missing: Text when there are no rows.
    """
    valued = [column for column in columns if column.expression]
    fields = {column.title: column.label for column in columns if column.label}
    # With one query the value's field is called Value, with several Value #A, Value #B …
    for name, column in zip(ascii_uppercase, valued, strict=False):
        fields[column.title] = f"Value #{name}" if len(valued) > 1 else "Value"
    panel = (
        framed(
            "table",
            title,
            description,
            [rows(column.expression) for column in valued],
            width=width,
            height=height,
        )
        .unit(NUMBER)
        .no_value(missing)
        .transformations([*_merging(len(valued)), _ordering([(fields[c.title], c.title) for c in columns])])
        .overrides([BuiltPart(_look(column)) for column in columns])
        .custom(table.FieldConfig(align=common.FieldTextAlignment.AUTO, inspect=False, filterable=True))
        .options(
            table.Options(
                cell_height=common.TableCellHeight.SM,
                sort_by=[common.TableSortByFieldState(display_name=sorted_by, desc=descending)],
            )
        )
    )
    return panel


def _merging(queries: int) -> list[model.DataTransformerConfig]:
    return [model.DataTransformerConfig(id_val="merge", options={})] if queries > 1 else []


def _ordering(fields: Sequence[tuple[str, str]]) -> model.DataTransformerConfig:
    return model.DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": {"Time": True},
            "includeByName": {},
            "indexByName": {field: number for number, (field, _) in enumerate(fields)},
            "renameByName": dict(fields),
        },
    )


def _look(column: TableColumn) -> model.DashboardFieldConfigSourceOverrides:
    return model.DashboardFieldConfigSourceOverrides(
        matcher=model.MatcherConfig(id_val="byName", options=column.title),
        properties=[model.DynamicConfigValue(name, value) for name, value in _properties(column)],
    )


def _properties(column: TableColumn) -> Iterator[tuple[str, object]]:
    if column.expression:
        yield "unit", column.unit
        # The default's text is for an empty table; a cell is empty in many rows.
        yield "noValue", "–"
    if column.decimals is not None:
        yield "decimals", column.decimals
    if column.steps or column.texts:
        yield "thresholds", thresholds(column.steps or NONE)
        yield "custom.cellOptions", {"type": "color-text"}
    if column.texts:
        yield "mappings", mappings(column.texts)
    if column.width is not None:
        yield "custom.width", column.width
    if column.link is not None:
        url, text = column.link
        yield "links", [{"title": text, "url": url, "targetBlank": False}]
