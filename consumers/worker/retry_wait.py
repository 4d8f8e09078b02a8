"""Waits between retries of broker requests."""

from __future__ import annotations

import random

from core.model.settings import WorkerSettings
from core.runtime.backoff import GrowingWait


def retry_wait(settings: WorkerSettings) -> GrowingWait:
    """Create a wait from the settings, with jitter.

    Jitter keeps a fleet from retrying simultaneously; it does not affect output.

    Args:
        settings: First and longest wait.
    """
    jitter = random.Random()  # noqa: S311
    return GrowingWait(
        settings.backoff_initial_ms, settings.backoff_max_ms, random=jitter.random, least_share=0.5
    )
