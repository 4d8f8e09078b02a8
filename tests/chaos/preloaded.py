"""What every worker and producer imports, imported once in the process they are forked from."""

from __future__ import annotations

import os

from deploy.local.numba_cache import configure_numba_cache

configure_numba_cache(os.environ)

import consumers.cli  # noqa: E402
import consumers.run  # noqa: E402
import producers.cli  # noqa: E402
import rotascope  # noqa: E402
import tests.chaos.launch  # noqa: E402
from core.sessions import CALENDAR_THROUGH, build_calendars  # noqa: E402

# Thirty years of sessions: the library keeps what it has once made.
build_calendars(
    {consumers.run.EXCHANGE},
    consumers.run.FIRST_CALENDAR_DATE,
    CALENDAR_THROUGH,
)

__all__ = ["consumers", "producers", "rotascope", "tests"]
