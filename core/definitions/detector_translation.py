"""Translates definitions of earlier releases to rules.

In earlier releases a definition could be a detector: one of four kinds with a few parameters. Each is now
a rule. The translation is used to read snapshots and settings marks of those releases, and to show the
rule that replaces a detector in a catalogue file. The rule opens and ends at the same values, and its
events show the same names and numbers; only its version differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from core.definitions.digests import VERSION_DIGITS, digest
from core.definitions.rule_entry import RuleText
from core.definitions.rules import Operator
from core.model.errors import CatalogueError
from core.model.records import Frequency

Numbers = Mapping[str, float]

_DEFAULTS: Final[Mapping[str, Numbers]] = MappingProxyType(
    {
        "opposite_day": {"direction": 1.0, "instrument_return_pct": 3.0},
        "spread_z": {"horizon_sessions": 1.0, "direction": 0.0, "enter_z": 3.0, "exit_z": 1.0},
        "nonconfirmation": {
            "direction": 1.0,
            "leader": 1.0,
            "window_sessions": 252.0,
            "delta_pct": 0.5,
            "invalidation_pct": 2.0,
        },
        "strength_high": {"window_sessions": 252.0, "invalidation_pct": 2.0},
    }
)
"""Kind → its parameters with their defaults."""

_CHOICES: Final[Mapping[tuple[str, str], tuple[float, ...]]] = MappingProxyType(
    {
        ("opposite_day", "direction"): (-1, 1),
        ("spread_z", "horizon_sessions"): (1, 5, 21),
        ("spread_z", "direction"): (-1, 0, 1),
        ("nonconfirmation", "direction"): (-1, 1),
        ("nonconfirmation", "leader"): (1, 2),
        ("nonconfirmation", "window_sessions"): (63, 252),
        ("strength_high", "window_sessions"): (63, 252),
    }
)
"""Parameters that selected conditions and do not appear in a rule."""

DETECTOR_KINDS: Final = tuple(_DEFAULTS)

_SEMANTICS: Final = 1
_MINUTE: Final = Frequency.MINUTE.label
_DAY: Final = Frequency.DAY.label
_COMMON: Final = ("id", "kind", "frequency", "cool_down", "expires", "pairs", "parameters")


def is_detector(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a catalogue or of a snapshot is one of the former kinds."""
    return entry.get("kind") in DETECTOR_KINDS


def rule_of_detector(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a detector.

    Args:
        entry: An entry of a catalogue file or a snapshot; missing parameters have their defaults.

    Returns:
        The entry of the rule, without a rule's default values.

    Raises:
        CatalogueError: The kind did not have a key or parameter.

    Example:
        >>> rule_of_detector({"id": "up", "kind": "opposite_day"})["enter"]
        ['instrument_return_pct:1d >= 3', 'benchmark_return_pct:1d < 0']
    """
    frequency = entry.get("frequency", _DAY)
    numbers = _numbers(entry)
    head: dict[str, Any] = {"id": entry["id"]}
    if frequency != _DAY:
        head["frequency"] = frequency
    tail = {key: entry[key] for key in ("cool_down", "expires", "pairs") if entry.get(key)}
    rule = head | _RULES[entry["kind"]](frequency, numbers) | tail
    if rule.get("point"):
        rule.pop("expires", None)  # A point event cannot expire, and a rule rejects the key.
    return rule


def detector_version(entry: Mapping[str, Any]) -> str:
    """Return the version under which a detector's events were published.

    Args:
        entry: As for `rule_of_detector`.

    Raises:
        CatalogueError: As `rule_of_detector`.
    """
    content = {
        "id": entry["id"],
        "kind": entry["kind"],
        "frequency": entry.get("frequency", _DAY),
        "cool_down": entry.get("cool_down", 0),
        "expires": entry.get("expires", 0),
        "semantics": _SEMANTICS,
        "parameters": _numbers(entry),
    }
    return digest(content)[:VERSION_DIGITS]


def possible_detectors(rule: RuleText, frequency: Frequency) -> Iterator[dict[str, Any]]:
    """Yield the detectors that a rule may have been.

    Args:
        rule: The rule.
        frequency: How often it is evaluated.

    Yields:
        `kind`, `frequency` and `parameters`: candidates only, with the rule's numbers in the right places.
        The caller must translate each and compare it with the rule.
    """
    first = rule.enter[0][0]
    factor, window = abs(first.factor), first.left.partition(":")[2]
    upward = {Operator.AT_LEAST: 1.0, Operator.ABOVE: 1.0, Operator.AT_MOST: -1.0, Operator.BELOW: -1.0}
    direction = upward.get(first.operator)
    distance_pct = 0.0 if rule.invalidation is None else rule.invalidation.distance_pct
    candidates: list[tuple[str, dict[str, float]]] = []
    if first.left == "instrument_return_pct:1d" and direction is not None:
        candidates.append(("opposite_day", {"direction": direction, "instrument_return_pct": factor}))
    if first.left.startswith("relative_return_zscore:") and direction is not None and rule.leave:
        numbers = {
            "horizon_sessions": float(window[:-1]) if frequency == Frequency.DAY else 1.0,
            "direction": 0.0 if first.form == "abs" else direction,
            "enter_z": factor,
            "exit_z": abs(rule.leave[0][0].factor),
        }
        candidates.append(("spread_z", numbers))
    if first.right is not None and first.right.endswith(("_high:63d", "_low:63d", "_high:252d", "_low:252d")):
        extreme = {
            "window_sessions": float(first.right.partition(":")[2][:-1]),
            "invalidation_pct": distance_pct,
        }
        if first.left == "ratio:1d":
            candidates.append(("strength_high", extreme))
        elif direction is not None and len(rule.enter) > 1:
            delta = abs(Decimal(repr(rule.enter[1][0].factor)) - 1) * 100
            numbers = {
                "direction": direction,
                "leader": 1.0 if first.left == "numerator_price" else 2.0,
                "delta_pct": float(delta),
            }
            candidates.append(("nonconfirmation", numbers | extreme))
    for kind, parameters in candidates:
        yield {"kind": kind, "frequency": frequency.label, "parameters": parameters}


def _numbers(entry: Mapping[str, Any]) -> dict[str, float]:
    """All parameters of a detector, including defaults."""
    kind, given = entry["kind"], entry.get("parameters", {})
    known = _DEFAULTS[kind]
    where = f"definition {entry.get('id')!r}"
    for key in entry:
        if key not in _COMMON:
            raise CatalogueError(f"{where}: {kind} has no key {key!r}")
    if not isinstance(given, Mapping):
        raise CatalogueError(f"{where}: 'parameters' must be a table of numbers, not {given!r}")
    for name, value in given.items():
        if name not in known:
            raise CatalogueError(f"{where}: {kind} has no parameter {name!r}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise CatalogueError(f"{where}: parameter {name!r} must be a number, not {value!r}")
        choices = _CHOICES.get((kind, name))
        if choices is not None and value not in choices:
            raise CatalogueError(f"{where}: {name} = {value!r} is not one of {', '.join(map(str, choices))}")
    return {name: float(given.get(name, default)) for name, default in known.items()}


def _opposite_day(frequency: str, numbers: Numbers) -> dict[str, Any]:
    least = numbers["instrument_return_pct"]
    up = numbers["direction"] > 0
    own, other = (f">= {_text(least)}", "< 0") if up else (f"<= {_text(-least)}", "> 0")
    return {
        "family": "divergence",
        "point": True,
        "enter": [f"instrument_return_pct:1d {own}", f"benchmark_return_pct:1d {other}"],
        "show": {
            "instrument_return_pct": "instrument_return_pct:1d",
            "benchmark_return_pct": "benchmark_return_pct:1d",
            "spread_pp": "relative_strength_pp:1d",
        },
        "threshold": {"instrument_return_pct": least if up else -least},
    }


def _spread_z(frequency: str, numbers: Numbers) -> dict[str, Any]:
    window = "15m" if frequency == _MINUTE else f"{int(numbers['horizon_sessions'])}d"
    key, direction = f"relative_return_zscore:{window}", numbers["direction"]
    enter, leave = numbers["enter_z"], numbers["exit_z"]
    if direction == 0:
        conditions = (f"abs({key}) >= {_text(enter)}", f"abs({key}) <= {_text(leave)}")
    elif direction > 0:
        conditions = (f"{key} >= {_text(enter)}", f"{key} <= {_text(leave)}")
    else:
        conditions = (f"{key} <= {_text(-enter)}", f"{key} >= {_text(-leave)}")
    show = {
        "zscore": key,
        "relative_return_pct": f"relative_strength_percent:{window}",
        "spread_pp": f"relative_strength_pp:{window}",
    }
    if frequency == _DAY:
        show["instrument_return_pct"] = f"instrument_return_pct:{window}"
        show["benchmark_return_pct"] = f"benchmark_return_pct:{window}"
    return {
        "family": "relative-strength",
        "enter": [conditions[0]],
        "exit": [conditions[1]],
        "show": show,
        "threshold": {"zscore": enter, "zscore_exit": leave},
    } | ({"series": "relative return"} if frequency == _DAY else {})


def _nonconfirmation(frequency: str, numbers: Numbers) -> dict[str, Any]:
    high = numbers["direction"] > 0
    side, beyond, short = ("high", ">", "<") if high else ("low", "<", ">")
    window, delta = f"{int(numbers['window_sessions'])}d", numbers["delta_pct"]
    legs = ("numerator", "benchmark") if numbers["leader"] == 1 else ("benchmark", "numerator")
    leader, follower = legs
    share = Decimal(repr(delta)) / 100
    factor = float(1 - share if high else 1 + share)
    distant = f"{follower}_{side}:{window}" + ("" if delta == 0 else f" * {_text(factor)}")
    return {
        "family": "divergence",
        "enter": [
            f"{leader}_price {beyond} {leader}_{side}:{window}",
            f"{follower}_price {short} {distant}",
        ],
        "exit": [f"paired_{follower}_price {beyond} {follower}_{side}:{window}"],
        "invalidate": {
            "key": f"paired_{leader}_price",
            "below_pct" if high else "above_pct": numbers["invalidation_pct"],
        },
        "show": {
            "numerator_close": "numerator_price",
            f"numerator_previous_{side}": f"numerator_{side}:{window}",
            "benchmark_close": "benchmark_price",
            f"benchmark_previous_{side}": f"benchmark_{side}:{window}",
            "instrument_return_pct": "instrument_return_pct:1d",
            "benchmark_return_pct": "benchmark_return_pct:1d",
        },
        "threshold": {
            "window_sessions": numbers["window_sessions"],
            "delta_pct": delta,
            "invalidation_pct": numbers["invalidation_pct"],
        },
    }


def _strength_high(frequency: str, numbers: Numbers) -> dict[str, Any]:
    window = f"{int(numbers['window_sessions'])}d"
    return {
        "family": "relative-strength",
        "enter": [f"ratio:1d > ratio_high:{window}", f"numerator_price < numerator_high:{window}"],
        "exit": [f"paired_numerator_price > numerator_high:{window}"],
        "invalidate": {"key": "ratio:1d", "below_pct": numbers["invalidation_pct"]},
        "show": {
            "ratio": "ratio:1d",
            "ratio_previous_high": f"ratio_high:{window}",
            "numerator_close": "numerator_price",
            "numerator_previous_high": f"numerator_high:{window}",
            "instrument_return_pct": "instrument_return_pct:1d",
            "benchmark_return_pct": "benchmark_return_pct:1d",
        },
        "threshold": {
            "window_sessions": numbers["window_sessions"],
            "invalidation_pct": numbers["invalidation_pct"],
        },
        "series": "ratio of closes",
    }


def _text(number: float) -> str:
    """The shortest text of a number that parses to the same bits."""
    return repr(int(number)) if number == int(number) else repr(number)


_RULES: Final[Mapping[str, Callable[[str, Numbers], dict[str, Any]]]] = MappingProxyType(
    {
        "opposite_day": _opposite_day,
        "spread_z": _spread_z,
        "nonconfirmation": _nonconfirmation,
        "strength_high": _strength_high,
    }
)
