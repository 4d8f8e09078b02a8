"""Assembles a dashboard: variables, rows, annotations, links."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from deploy.grafana.built_part import BuiltPart
from deploy.grafana.variables import Variable

TAG: Final = "rotascope"

Row = tuple[str, Sequence[builders.Panel]]
"""Heading, panels from left to right."""


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard.

    Args:
        name: Part of its uid and of its file's name; links from elsewhere break when it changes.
        title: Its title.
        description: Who reads it, and for what.
        variables: What a reader may choose.
        rows: Its panels.
        annotations: What is marked on the curves.
        start: Begin of the time shown at first, such as `now-24h`.
    """

    name: str
    title: str
    description: str
    variables: Sequence[Variable]
    rows: Sequence[Row]
    annotations: Sequence[model.AnnotationQuery] = field(default=())
    start: str = "now-6h"

    @property
    def uid(self) -> str:
        """Fixed name in addresses."""
        return f"rotascope-{self.name}"

    def json(self) -> str:
        """Return the dashboard as Grafana reads it, the same for the same sources."""
        return json.dumps(self._model(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def _model(self) -> model.Dashboard:
        built = (
            builders.Dashboard(self.title)
            .uid(self.uid)
            .description(self.description)
            .tags([TAG])
            .readonly()
            .timezone("browser")
            .time(self.start, "now")
            .refresh("30s")
            .tooltip(model.DashboardCursorSync.CROSSHAIR)
            .variables([BuiltPart(each.model()) for each in self.variables])
            .annotations([BuiltPart(each) for each in self.annotations])
            .link(_to_the_others())
        )
        number = 0
        for heading, panels in self.rows:
            number += 1
            built.with_row(builders.Row(heading).id(number))
            for panel in panels:
                number += 1
                built.with_panel(panel.id(number))
        return built.build()


def _to_the_others() -> builders.DashboardLink:
    return (
        builders.DashboardLink("Rotascope")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(True)
        .include_vars(True)
    )
