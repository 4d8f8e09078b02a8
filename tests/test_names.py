"""No two classes have one name: a name in a traceback, a log line or a search leads to one place."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PLACES = ("core", "producers", "consumers", "deploy", "tests/support")


def classes(checkout: Path) -> dict[str, list[str]]:
    """Class name → the files that define it, private and nested classes included."""
    found: dict[str, list[str]] = defaultdict(list)
    for place in PLACES:
        for path in sorted((checkout / place).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(str(path.relative_to(checkout)))
    return found


def test_no_two_classes_have_one_name() -> None:
    found = classes(CHECKOUT)
    assert len(found) > 400
    twice = {name: files for name, files in found.items() if len(files) > 1}
    assert twice == {}


def test_a_name_given_twice_is_found(tmp_path: Path) -> None:
    for place in PLACES:
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "core/one.py").write_text("class A:\n    class _B: ...\n")
    (tmp_path / "tests/support/two.py").write_text("def f():\n    class _B: ...\n")
    assert classes(tmp_path) == {"A": ["core/one.py"], "_B": ["core/one.py", "tests/support/two.py"]}
