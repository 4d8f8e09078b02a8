"""Every fault, by family."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.chaos.faults import (
    brokers,
    membership,
    outages,
    processes,
    producers,
    records,
    snapshots,
    transactions,
)
from tests.chaos.faults.base import Fault

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        fault.name: fault
        for family in (processes, membership, transactions, snapshots, brokers, outages, records, producers)
        for fault in family.FAULTS
    }
)

__all__ = ["FAULTS", "Fault"]
