"""A pair's past as a test gives it."""

from __future__ import annotations

from datetime import date

import numpy as np

from core.model.records import Quality
from core.model.sessions import session_day
from core.research.value_history import PairHistory


def pair_history(**values: list[float]) -> PairHistory:
    """Values by key, one a session from 2024-07-01 on; NaN is not ready."""
    first = session_day(date(2024, 7, 1))
    count = len(next(iter(values.values())))
    arrays = {key: np.array(each) for key, each in values.items()}
    return PairHistory(
        np.arange(first, first + count, dtype=np.int64),
        arrays,
        {
            key: np.where(np.isnan(each), Quality.NOT_READY, Quality.OK).astype(np.uint8)
            for key, each in arrays.items()
        },
    )
