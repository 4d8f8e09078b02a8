"""Events as the demo reads them from their topics."""

from __future__ import annotations

from typing import Any

import msgspec

from core.events.events import Event, encode_data
from deploy.demo.readings import ReadEvent
from tests.support.sample_events import candidate, opposite_day


def read_back(event: Event) -> ReadEvent:
    """Give an event as it comes back from its topic."""
    data: dict[str, Any] = msgspec.json.decode(encode_data(event))
    return ReadEvent(event.event_id, data)


def story_of_2024_07_11() -> list[ReadEvent]:
    """The candidate of RUT against SPX and its opening, and a candidate of another pair that is withdrawn."""
    return [
        read_back(candidate()),
        read_back(candidate(pair="RUT/QQQ")),
        read_back(opposite_day()),
        read_back(opposite_day(pair="RUT/QQQ", state="withdrawn")),
    ]
