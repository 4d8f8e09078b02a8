"""Detectors and their registry.

A new detector is a file here and one line in DETECTORS; definitions of its kind can then stand in
the catalogue, and the contract tests cover it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from core.detectors.base import Detector, Parameter, Verdict, allocate_verdict
from core.detectors.nonconfirmation import NonConfirmation, StrengthHigh
from core.detectors.opposite_day import OppositeDay
from core.detectors.spread_z import SpreadZ

DETECTORS: Final = MappingProxyType(
    {detector.kind: detector for detector in (OppositeDay, SpreadZ, NonConfirmation, StrengthHigh)}
)

__all__ = ["DETECTORS", "Detector", "Parameter", "Verdict", "allocate_verdict"]
