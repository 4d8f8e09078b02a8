"""Twelve-month momentum excluding the latest month, in which returns tend to reverse.

N. Jegadeesh and S. Titman, Journal of Finance 48 (1993) 65-91. Closes are used unadjusted: a leg that
pays dividends needs adjusted closes.
"""

from core.indicators.base import DayFamily, Output
from core.indicators.passes import day_pass
from core.kernels.codes import NOT_READY, OK
from core.kernels.returns import blocked_by, simple_return
from core.model.windows import DAY_WINDOWS

_FROM, _TO = DAY_WINDOWS.index("252d"), DAY_WINDOWS.index("21d")
_OUTPUTS = ("momentum_pct", "benchmark_momentum_pct", "relative_momentum_pp")
_NUMERATOR, _BENCHMARK, _RELATIVE = range(len(_OUTPUTS))


@day_pass()
def _day_pass(prices, bases, rows, values, quality):
    for row in rows:
        reason = blocked_by(prices, row)
        for leg in (_NUMERATOR, _BENCHMARK):
            if reason == OK and (bases[_FROM, leg, row] <= 0 or bases[_TO, leg, row] <= 0):
                reason = NOT_READY
        for leg in (_NUMERATOR, _BENCHMARK):
            values[leg, row] = float("nan")
            if reason == OK:
                values[leg, row] = 100.0 * simple_return(bases[_TO, leg, row], bases[_FROM, leg, row])
        values[_RELATIVE, row] = values[_NUMERATOR, row] - values[_BENCHMARK, row]
        for output in range(len(_OUTPUTS)):
            quality[output, row] = reason


class Momentum(DayFamily):
    """Change from 252 to 21 sessions ago, of both legs, and the difference."""

    name = "momentum"
    outputs = tuple(Output(name, "12_1") for name in _OUTPUTS)
    evaluation = _day_pass
    observed = 2  # closes of each leg
