"""How long a worker waits between two tries of whatever the broker does not answer."""

from __future__ import annotations

import random

from core.model.settings import WorkerSettings
from core.runtime.backoff import GrowingWait


def retry_wait(settings: WorkerSettings) -> GrowingWait:
    """Make a wait as the settings have it, with jitter.

    Jitter keeps a fleet from retrying at one moment; it decides nothing that is published.

    Args:
        settings: The first wait and the longest.
    """
    jitter = random.Random()  # noqa: S311
    return GrowingWait(
        settings.backoff_initial_ms, settings.backoff_max_ms, random=jitter.random, least_share=0.5
    )
