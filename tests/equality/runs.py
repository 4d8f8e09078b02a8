"""What is run in each checkout, and how its records are read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tests.equality.checkouts import PROBE, Checkout
from tests.equality.fields import KINDS, Record
from tests.support.study_files import STUDY_FILES, STUDY_PAIRS, STUDY_RATES

Records = Mapping[str, list[Record]]
"""Kind → records, in the order in which they were told."""
_LEGS: Final = sorted({leg for pair in STUDY_PAIRS for leg in pair.split("/")})


def study(checkout: Checkout, shared_data: Path, path: Path) -> None:
    """Study 35 years of daily files, every pair of the bench, through the command line."""
    arguments = ["-m", "rotascope", "study", "events", "--format", "jsonl"]
    for leg in _LEGS:
        arguments += ["--bars", f"{leg}={shared_data / STUDY_FILES[leg]}"]
    for pair in STUDY_PAIRS:
        arguments += ["--pair", pair]
    arguments += ["--series", f"DGS10={shared_data / STUDY_RATES}:DGS10"]
    checkout.run(*arguments, shared_data=shared_data, output=path)


def _probed(log: str) -> Callable[[Checkout, Path, Path], None]:
    def probe(checkout: Checkout, shared_data: Path, path: Path) -> None:
        checkout.run(str(PROBE), log, str(path), shared_data=shared_data)

    return probe


RUNS: Final[Mapping[str, Callable[[Checkout, Path, Path], None]]] = MappingProxyType(
    {
        "study": study,
        "demo": _probed("demo"),
        "real-day": _probed("real-day"),
        "rich": _probed("rich"),
    }
)
"""Name → writes its records into a file, one JSON text a line."""


def compile_kernels(checkout: Checkout, shared_data: Path) -> None:
    """Compile what the cache of this checkout lacks."""
    checkout.run(str(PROBE), "kernels", shared_data=shared_data)


def read_records(path: Path) -> Records:
    """Read what a run has written."""
    records: dict[str, list[Record]] = {kind.name: [] for kind in KINDS}
    for kind, fields in _lines(path):
        records[kind].append(fields)
    return records


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            content = json.loads(line)
            # The command line prints an event's data, the probe the kind of record and its fields.
            kind, fields = (
                content if isinstance(content, list) else ("events", {"log": "study", "data": content})
            )
            yield kind, fields
