"""What every worker and producer imports, imported once in the process they are forked from."""

from __future__ import annotations

import os

from core.runtime.numba_cache import configure_numba_cache

configure_numba_cache(os.environ)

import consumers.worker.cli  # noqa: E402
import consumers.worker.run  # noqa: E402
import producers.ingest.cli  # noqa: E402
import rotascope  # noqa: E402
import tests.chaos.launch  # noqa: E402
from core.model.dated_events import EXCHANGE  # noqa: E402
from core.model.sessions import CALENDAR_FROM, CALENDAR_THROUGH, build_calendars  # noqa: E402

# Thirty years of sessions: the library keeps what it has once made.
build_calendars({EXCHANGE}, CALENDAR_FROM, CALENDAR_THROUGH)

__all__ = ["consumers", "producers", "rotascope", "tests"]
