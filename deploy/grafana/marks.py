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
    """Return marks where a definition of single days has opened, on any pair.

    Such an event ends as it opens, so it is never seen open; its counter shows it.
    """
    opened = series("rotascope_event_transitions_total", 'state="opened"', 'definition=~"opposite_day_.*"')
    return Mark(
        "Days of opposite moves",
        f"(sum by (definition) (increase({opened}[$__rate_interval])) > 0)"
        f" * on (definition) group_left (title) {_TITLES}",
        "{{definition}}",
        "{{title}}; the table of open events and the topic name the pair",
        "purple",
    )
