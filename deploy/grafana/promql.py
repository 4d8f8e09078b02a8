"""Selectors of queries: each is limited to the chosen jobs and instances, and names an exported metric."""

from __future__ import annotations

from typing import Final

from core.model.errors import ConfigurationError
from core.model.metrics import METRICS_BY_NAME, MetricKind

JOB_AND_INSTANCE: Final = 'job=~"$job", instance=~"$instance"'
ONE_PAIR: Final = 'pair="$pair"'
PAIRS: Final = 'pair=~"$pair"'
_HISTOGRAM_SUFFIXES: Final = ("_bucket", "_sum", "_count")


def series(name: str, *matchers: str) -> str:
    """Return a selector.

    Args:
        name: Name of a metric; of a histogram with its suffix.
        matchers: Further label matchers.

    Raises:
        ConfigurationError: No such metric is exported.
    """
    if not _is_exported(name):
        raise ConfigurationError(
            f"a dashboard names {name}, which Rotascope does not export",
            operator_action="take the name from core/model/metrics.py, then run make dashboards",
        )
    return f"{name}{{{', '.join((JOB_AND_INSTANCE, *matchers))}}}"


def of_pair(name: str, *matchers: str) -> str:
    """Return the value of the chosen pair.

    While a pair moves from one worker to another, both may have a sample for one scrape; `max` leaves one.
    """
    return f"max({series(name, ONE_PAIR, *matchers)})"


def by_window(name: str, *matchers: str) -> str:
    """Return the values of the chosen pair, one a window."""
    return f"max by (window) ({series(name, ONE_PAIR, *matchers)})"


def by_pair(name: str, *matchers: str) -> str:
    """Return the values of all pairs."""
    return f"max by (pair) ({series(name, *matchers)})"


def rate(name: str, by: str = "", *matchers: str) -> str:
    """Return a counter's increase a second, summed.

    Args:
        name: Name of a counter.
        by: Labels to keep, joined by commas; none gives one sum.
        matchers: Further label matchers.
    """
    return f"sum{_by(by)} (rate({series(name, *matchers)}[$__rate_interval]))"


def increase(name: str, by: str = "", *matchers: str, over: str = "$__range") -> str:
    """Return a counter's increase over a stretch of time, by default the one shown, summed."""
    return f"sum{_by(by)} (increase({series(name, *matchers)}[{over}]))"


def quantile(name: str, share: float, by: str = "") -> str:
    """Return a quantile of a histogram's observations."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{name}_bucket', labels)})"


def _by(labels: str) -> str:
    return f" by ({labels})" if labels else ""


def _is_exported(name: str) -> bool:
    row = METRICS_BY_NAME.get(name)
    if row is not None:
        return row.kind is not MetricKind.HISTOGRAM
    for suffix in _HISTOGRAM_SUFFIXES:
        row = METRICS_BY_NAME.get(name.removesuffix(suffix))
        if name.endswith(suffix) and row is not None:
            return row.kind is MetricKind.HISTOGRAM
    return False
