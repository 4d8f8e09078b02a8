"""The oracles are a second opinion only as long as they share nothing with what they judge."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.oracles.comparison import Comparison

ORACLES = Path(__file__).resolve().parents[1] / "oracles"
FILES = sorted(ORACLES.rglob("*.py"))
ALLOWED = sys.stdlib_module_names | {"tests.oracles"}


def imported(path: Path) -> set[str]:
    """Modules a file imports, relative imports resolved."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add("." * node.level + (node.module or ""))
    return modules


def test_there_are_oracles_to_check() -> None:
    assert {"daily.py", "intraday.py", "raw.py", "statistics.py"} <= {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_oracle_imports_the_standard_library_and_other_oracles_only(path: Path) -> None:
    foreign = {
        module
        for module in imported(path)
        if module.split(".")[0] not in ALLOWED and not module.startswith("tests.oracles")
    }
    assert not foreign


@pytest.mark.parametrize(
    "source",
    ["import core.kernels.rolling", "from core import bars", "import numpy", "from ..support import rig"],
)
def test_the_check_finds_planted_imports(tmp_path: Path, source: str) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(source)
    with pytest.raises(AssertionError):
        test_an_oracle_imports_the_standard_library_and_other_oracles_only(planted)


def test_a_comparison_finds_a_wrong_digit_a_missing_value_and_an_invented_one() -> None:
    comparison = Comparison({"floored": 1e-12})
    comparison.add("exact", 0, 1.0, 1.0)
    comparison.add("near", 0, 1.0 + 0.9e-9, 1.0)
    comparison.add("nothing", 0, float("nan"), None)
    comparison.add("floored", 0, 3e-13, 1e-13)
    assert not comparison.failures
    assert [t.ready for t in comparison.tallies.values()] == [1, 1, 0, 1]
    assert comparison.tallies["floored"].tiny == 1
    for number, (actual, expected) in enumerate([(1.0 + 1.1e-9, 1.0), (float("nan"), 1.0), (1.0, None)]):
        comparison.add("wrong", 0, actual, expected)
        assert len(comparison.failures) == number + 1
    assert "wrong" in comparison.report("title")
