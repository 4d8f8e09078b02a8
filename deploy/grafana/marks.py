"""What is marked on the curves: openings of market events."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models import dashboard as model
from typing_extensions import override

from deploy.grafana.promql import series
from deploy.grafana.queries import DATA_SOURCE


class Mark(model.AnnotationQuery):
    """An annotation from a query, with texts; the library's own has no fields for them.

    Args:
        name: Its name beside the switch.
        expression: PromQL; a mark where the value is above 0.
        title: Head of a mark; `{{label}}` holds a label.
        text: Its text.
        colour: Its colour.
    """

    def __init__(self, name: str, expression: str, title: str, text: str, colour: str) -> None:
        super().__init__(
            name=name, datasource=DATA_SOURCE, enable=True, hide=False, icon_color=colour, expr=expression
        )
        self._title = title
        self._text = text

    @override
    def to_json(self) -> dict[str, object]:
        """Return it as Grafana reads it."""
        return super().to_json() | {"titleFormat": self._title, "textFormat": self._text, "step": "15s"}


_TITLES: Final = f"max by (definition, title) ({series('rotascope_definition_info')})"


def openings(pair: str) -> Mark:
    """Return marks where an event of a pair has opened.

    Args:
        pair: Matcher of the pair.
    """
    opened = series("rotascope_event_open", pair, 'state=~"opened|confirmed"')
    kept = "max by (pair, definition, title)"
    return Mark(
        "Events that opened",
        f"{kept} ({opened}) unless {kept} ({opened} offset $__rate_interval)",
        "{{definition}} opened",
        "{{pair}}: {{title}}",
        "blue",
    )


def days() -> Mark:
    """Return marks where a definition of single days has opened.

    Such an event ends as it opens, so it is never seen open; the time of its last opening shows it.
    """
    opened = series("rotascope_event_last_opening_timestamp_seconds", 'definition=~"opposite_day_.*"')
    last, before = (
        f"max by (pair, definition) ({opened}{offset})" for offset in ("", " offset $__rate_interval")
    )
    return Mark(
        "Days of opposite moves",
        f"(({last} unless {before}) or {last} > {before}) * on (definition) group_left (title) {_TITLES}",
        "{{definition}}",
        "{{pair}}: {{title}}",
        "purple",
    )
