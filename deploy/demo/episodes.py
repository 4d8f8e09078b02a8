"""Groups transitions into episodes, from candidate to end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.events.endings import ENDINGS
from core.model.records import EventState
from deploy.demo.readings import ReadEvent

_CANDIDATE: Final = EventState.CANDIDATE.label
_OPENED: Final = EventState.OPENED.label


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode of a definition on a pair.

    Args:
        definition: Definition id.
        pair: `NUMERATOR/BENCHMARK`.
        candidate: Data of the first transition, if it was a candidate.
        opened: Data of the opening, if it opened.
        last: Data of the latest transition.
    """

    definition: str
    pair: str
    candidate: Mapping[str, Any] | None
    opened: Mapping[str, Any] | None
    last: Mapping[str, Any]

    @property
    def ended(self) -> Mapping[str, Any] | None:
        """Data of the end, if it has ended."""
        return self.last if self.last["state"] in ENDINGS else None


def episodes(events: Iterable[ReadEvent]) -> list[Episode]:
    """Group transitions into episodes.

    Args:
        events: Transitions in order.

    Returns:
        Episodes by definition, then by first transition.
    """
    found: dict[tuple[str, str, int], list[Mapping[str, Any]]] = {}
    for event in events:
        data = event.data
        found.setdefault((data["definition"], data["pair"], data["episode"]), []).append(data)
    put_together = [
        Episode(
            definition,
            pair,
            _in_state(transitions, _CANDIDATE),
            _in_state(transitions, _OPENED),
            transitions[-1],
        )
        for (definition, pair, _), transitions in found.items()
    ]
    # Stable sort: time order is kept within a definition.
    return sorted(put_together, key=lambda episode: episode.definition)


def _in_state(transitions: list[Mapping[str, Any]], state: str) -> Mapping[str, Any] | None:
    return next((data for data in transitions if data["state"] == state), None)
