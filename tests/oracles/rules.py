"""What a rule says, worked out from its text by plain Python: no table, no kernel.

The text is turned into a Python expression and evaluated with decimal rounding, which has nothing
in common with how the engine reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DIGITS = 10
"""Decimals that thresholds see."""

USABLE = ("ok", "rebuilt")
_NAME = re.compile(r"[a-z][a-z0-9_]*(?::[a-z0-9_]+)?")

Known = Mapping[str, tuple[float, str]]
"""Key or public name of an output → value and quality."""


class _Missing(Exception):
    """A value that is not known."""


def condition_holds(texts: Sequence[str] | str, known: Known) -> bool | None:
    """Whether all texts hold; None where any value in them is not known."""
    whole = True
    for text in [texts] if isinstance(texts, str) else texts:
        try:
            # Each is asked, also after one that holds: what is unknown makes all of it unknown.
            answers = [_one(part, known) for part in text.split(" or ")]
        except _Missing:
            return None
        whole = whole and any(answers)
    return whole


def _one(text: str, known: Known) -> bool:
    left, operator, right = re.split(r"\s*(>=|<=|==|!=|>|<|\bhas\b)\s*", text.strip())
    if left.startswith("quality("):
        same = known[left[8:-1].strip()][1] == right
        return same if operator == "==" else not same
    size = left.startswith("abs(")
    value = _value(left[4:-1].strip() if size else left, known)
    value = abs(value) if size else value
    if operator == "has":
        return bool(int(round(value, DIGITS)) & int(float(right)))
    compare: Callable[[float, float], bool] = {
        ">=": float.__ge__,
        "<=": float.__le__,
        ">": float.__gt__,
        "<": float.__lt__,
        "==": float.__eq__,
        "!=": float.__ne__,
    }[operator]
    if not _NAME.match(right):
        return compare(round(value, DIGITS), float(right))
    name, _, factor = right.partition("*")
    mark = _value(name.strip(), known) * (float(factor) if factor else 1.0)
    gap = 100 * (value - mark) / abs(mark) if mark else value
    return compare(round(gap, DIGITS), 0.0)


def _value(name: str, known: Known) -> float:
    value, quality = known[name]
    if quality not in USABLE:
        raise _Missing(name)
    return value


@dataclass
class Life:
    """One definition and one pair, step by step.

    Args:
        entry: The definition's table as TOML gives it.
    """

    entry: Mapping[str, Any]
    open: bool = False
    confirmed: bool = False
    age: int = 0
    waiting: int = 0
    held: int = 0
    level: float = 0.0

    def step(self, known: Known) -> str | None:
        """The state entered at this step."""
        entry = self.entry
        level = entry.get("invalidate")
        enter = condition_holds(entry["enter"], known)
        if level is not None and known[level["key"]][1] not in USABLE:
            enter = None
        self.held = self.held + 1 if enter else 0
        if self.open:
            self.age += 1
            state = self._next(enter, known)
            if state == "confirmed":
                self.confirmed = True
            elif state not in (None, "extended"):
                self.open, self.waiting = False, entry.get("cool_down", 0)
            return state
        if self.waiting:
            self.waiting -= 1
            return None
        if not enter or self.held < entry.get("dwell", 1):
            return None
        if level is not None:
            below = "below_pct" in level
            distance = level["below_pct" if below else "above_pct"] / 100
            self.level = known[level["key"]][0] * (1 - distance if below else 1 + distance)
        self.open, self.confirmed, self.age = not entry.get("point", False), False, 0
        self.waiting = entry.get("cool_down", 0) if entry.get("point", False) else 0
        return "opened"

    def _next(self, enter: bool | None, known: Known) -> str | None:
        entry = self.entry
        if not self.confirmed and entry.get("fade") and condition_holds(entry["fade"], known):
            return "faded"
        if "exit" not in entry:
            leaves = enter is False
        else:
            leaves = bool(entry["exit"]) and bool(condition_holds(entry["exit"], known))
        if leaves:
            return "resolved"
        if self._broken(known):
            return "invalidated"
        if entry.get("expires") and self.age >= entry["expires"]:
            return "expired"
        if not self.confirmed and entry.get("confirm") and condition_holds(entry["confirm"], known):
            return "confirmed"
        if entry.get("extend") and condition_holds(entry["extend"], known):
            return "extended"
        return None

    def _broken(self, known: Known) -> bool:
        rule = self.entry.get("invalidate")
        if rule is None or known[rule["key"]][1] not in USABLE:
            return False
        gap = round(100 * (known[rule["key"]][0] - self.level) / self.level, DIGITS)
        return gap < 0 if "below_pct" in rule else gap > 0
