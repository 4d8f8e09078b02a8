"""Every daily oracle, by the key of its output."""

from __future__ import annotations

from tests.oracles.daily import DAILY, Oracle
from tests.oracles.daily_regimes import REGIMES
from tests.oracles.daily_series import SERIES
from tests.oracles.daily_shifts import SHIFTS
from tests.oracles.daily_statistics import STATISTICS

EVERY_DAY: dict[str, Oracle] = {**DAILY, **STATISTICS, **SERIES, **SHIFTS, **REGIMES}
"""Key of an output → what it must be, None where it must be unknown."""

WHOLE_PAST = ("relative_return_zscore", "ew_", "correlation_break", "rate_beta_ew", "spread_rate_beta_ew")
"""How the keys begin of outputs whose oracle looks at the whole past, with explicit weights."""
