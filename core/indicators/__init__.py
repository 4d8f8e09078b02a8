"""Indicator families and their registry.

A new family is a file here and one line in FAMILIES: state layout, snapshot, metrics and the
contract tests follow from the registry.
"""

from __future__ import annotations

from typing import Final

from core.indicators.amihud import Amihud
from core.indicators.base import DayFamily, IndicatorFamily, Output, RingFamily
from core.indicators.beta import BetaDays, BetaHour
from core.indicators.cusum import Cusum
from core.indicators.drawdown import Drawdown
from core.indicators.ew_beta import EwBeta
from core.indicators.extremes import Extremes
from core.indicators.first_since import FirstSince
from core.indicators.flow import Flow
from core.indicators.mean_reversion import MeanReversion
from core.indicators.momentum import Momentum
from core.indicators.moving_average import MovingAverages
from core.indicators.overheating import Overheating
from core.indicators.paired_prices import PairedPrices
from core.indicators.percentile import Percentile
from core.indicators.pivots import Pivots
from core.indicators.rate_beta import RateBeta
from core.indicators.ratio import Ratio, RatioLine
from core.indicators.relative_strength import (
    RelativeStrengthDays,
    RelativeStrengthHour,
    RelativeStrengthSeconds,
)
from core.indicators.robust_z import RobustZ
from core.indicators.rsi import RelativeStrengthIndex
from core.indicators.streaks import Streaks
from core.indicators.trend import TrendRegime
from core.indicators.volatility import Volatility
from core.indicators.volume import RelativeVolume
from core.indicators.volume_by_time import VolumeByTime
from core.indicators.weeks import Weeks
from core.indicators.zscore import ZScoreDays, ZScoreMinutes

FAMILIES: Final[tuple[type[IndicatorFamily], ...]] = (
    Ratio,
    RelativeStrengthSeconds,
    RelativeStrengthHour,
    BetaHour,
    ZScoreMinutes,
    RatioLine,
    RelativeStrengthDays,
    BetaDays,
    ZScoreDays,
    Extremes,
    Momentum,
    EwBeta,
    RobustZ,
    Volatility,
    RateBeta,
    Flow,
    Amihud,
    Cusum,
    MeanReversion,
    MovingAverages,
    RelativeStrengthIndex,
    Drawdown,
    Streaks,
    RelativeVolume,
    TrendRegime,
    Overheating,
    Pivots,
    FirstSince,
    Percentile,
    VolumeByTime,
    Weeks,
    PairedPrices,
)

__all__ = ["FAMILIES", "DayFamily", "IndicatorFamily", "Output", "RingFamily"]
