"""What a reader may choose at the head of a dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.promql import series
from deploy.grafana.queries import DATA_SOURCE

ANYTHING: Final = ".+"
"""Also matches jobs and instances that come up after the dashboard was opened."""
_CLASSIC_QUERY: Final = 5
"""Grafana's number for a query in text."""
_PROGRAMS: Final = '{__name__=~"rotascope_build_info|rotascope_producer_source_info"'


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable.

    Args:
        name: Its name in queries.
        title: Its name on the screen.
        query: What it offers; empty for the data source.
        several: Whether more than one may be chosen, and all of them.
        chosen: What is chosen at first; empty for all, or for the first.
        shown: Whether it stands at the head of the dashboard.
    """

    name: str
    title: str
    query: str = ""
    several: bool = False
    chosen: str = ""
    shown: bool = True

    def model(self) -> model.VariableModel:
        """Return it as Grafana takes it."""
        hide = model.VariableHide.DONT_HIDE if self.shown else model.VariableHide.HIDE_VARIABLE
        if not self.query:
            return builders.DatasourceVariable(self.name).label(self.title).type("prometheus").build()
        built = (
            builders.QueryVariable(self.name)
            .label(self.title)
            .hide(hide)
            .datasource(DATA_SOURCE)
            .query({"query": self.query, "qryType": _CLASSIC_QUERY, "refId": self.name})
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(model.VariableSort.NATURAL_ASC)
            .multi(self.several)
            .include_all(self.several)
        )
        if self.several:
            built.all_value(ANYTHING)
            if not self.chosen:
                built.current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))
        if self.chosen:
            several = self.several
            built.current(
                model.VariableOption(
                    selected=True,
                    text=[self.chosen] if several else self.chosen,
                    value=[self.chosen] if several else self.chosen,
                )
            )
        return built.build()


def programs(*, shown: bool) -> tuple[Variable, ...]:
    """Return data source, job and instance.

    Args:
        shown: Whether job and instance stand at the head; a desk need not see them, but an
            address may set them.
    """
    return (
        Variable("datasource", "Data source"),
        Variable("job", "Job", f"label_values({_PROGRAMS}}}, job)", several=True, shown=shown),
        Variable(
            "instance",
            "Instance",
            f'label_values({_PROGRAMS}, job=~"$job"}}, instance)',
            several=True,
            shown=shown,
        ),
    )


ONE_PAIR: Final = Variable(
    "pair", "Pair", f"label_values({series('rotascope_ratio')}, pair)", chosen="RUT/SPX"
)
PAIRS: Final = Variable("pair", "Pair", f"label_values({series('rotascope_ratio')}, pair)", several=True)
DEFINITIONS: Final = Variable(
    "definition",
    "Definition",
    f"label_values({series('rotascope_definition_info')}, definition)",
    several=True,
)
FEEDS: Final = Variable(
    "feed", "Feed", f"label_values({series('rotascope_producer_source_info')}, feed)", several=True
)
