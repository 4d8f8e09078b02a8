"""The types of the fields of claims."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

Every = Literal["session", "week", "month", "year"]
_TWO_NUMBERS: Final = 2


def _pair_name(text: str) -> str:
    if not re.fullmatch(r"[^/\s]+/[^/\s]+", text):
        raise ValueError(f"must be NUMERATOR/BENCHMARK, not {text!r}")
    return text


def _two(value: Any) -> Any:
    if not isinstance(value, list) or len(value) != _TWO_NUMBERS:
        raise ValueError(f"must be two numbers, the minimum and the maximum, not {value!r}")
    return tuple(value)


def _not_empty(bounds: tuple[float, float]) -> tuple[float, float]:
    if not bounds[0] <= bounds[1]:
        raise ValueError(f"{bounds[0]:g} to {bounds[1]:g} is an empty range")
    return bounds


PairName = Annotated[str, AfterValidator(_pair_name)]
Text = Annotated[str, Field(min_length=1)]
Bounds = Annotated[tuple[float, float], BeforeValidator(_two), AfterValidator(_not_empty)]
"""Minimum and maximum, inclusive; `inf` in TOML means no bound."""
