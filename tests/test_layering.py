"""The layers: most of `core` is pure, and the two edges do not know each other.

The rules are read from the syntax tree, so that an import inside a function counts as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from core.runtime.sources import IMPURE_ROOMS

CHECKOUT = Path(__file__).resolve().parents[1]

# What no pure room of core may import, by first name or by full dotted name.
OUTSIDE_WORLD = frozenset(
    """
    kafka confluent_kafka websockets prometheus_client http httpx requests urllib3 urllib.request
    asyncio threading multiprocessing concurrent signal subprocess socket selectors
    os shutil tempfile glob sqlite3 sys time sched
    random secrets uuid logging structlog rich typer pydantic_settings
    """.split()
)

# Which rooms a pure room of core may import besides itself: a room stands on those before it.
PURE_ROOMS: dict[str, frozenset[str]] = {
    "model": frozenset(),
    "kernels": frozenset({"model"}),
    "partition": frozenset({"model", "kernels"}),
    "indicators": frozenset({"model", "kernels", "partition"}),
    "definitions": frozenset({"model", "kernels", "partition", "indicators"}),
    "events": frozenset({"model", "definitions"}),
    "engine": frozenset({"model", "kernels", "partition", "indicators", "definitions", "events"}),
    "daily": frozenset({"model"}),
    "research": frozenset({"model", "kernels", "definitions", "events", "engine", "daily"}),
}
# Rooms of core with input and output: both edges use them, no pure room does.
OPEN_ROOMS: dict[str, frozenset[str]] = {
    "runtime": frozenset({*PURE_ROOMS}),
    "kafka": frozenset({*PURE_ROOMS, "runtime"}),
}
ROOMS = {**PURE_ROOMS, **OPEN_ROOMS}
FORBIDDEN_PACKAGES = {
    "core": frozenset({"producers", "consumers", "deploy", "rotascope", "tests"}),
    "producers": frozenset({"consumers", "deploy", "rotascope", "tests"}),
    "consumers": frozenset({"producers", "deploy", "rotascope", "tests"}),
    "deploy": frozenset({"tests"}),
}
PACKAGES = [*FORBIDDEN_PACKAGES, *(f"core.{room}" for room in ROOMS)]

# What core may not call: the clock, files, the terminal. A Path may be a field of the settings, and BytesIO
# is only memory; but nothing here opens either.
FORBIDDEN_NAMES = frozenset({"open", "input", "print", "exec", "eval"})
FILE_METHODS = frozenset(
    """
    open read_bytes write_bytes write_text exists is_file is_dir iterdir glob rglob mkdir touch unlink stat
    resolve cwd home expanduser FileIO scan_csv scan_parquet write_csv write_parquet write_json write_ipc
    sink_csv sink_parquet fromfile tofile savez loadtxt memmap
    """.split()
)
CLOCK = {
    "datetime": frozenset({"now", "utcnow", "today"}),
    "date": frozenset({"today"}),
    "Timestamp": frozenset({"now", "utcnow", "today"}),
}
PACKAGE_DATA = "resources.files"  # a file of the package itself: as good as an import


def violations(source: str, package: str) -> list[str]:
    """List what a source file of a package may not do.

    Args:
        source: Python source text.
        package: One of `PACKAGES`.

    Returns:
        One line a violation, each beginning with its line number.
    """
    tree = ast.parse(source)
    top, _, room = package.partition(".")
    forbidden = FORBIDDEN_PACKAGES[top] | (OUTSIDE_WORLD if room in PURE_ROOMS else frozenset())
    found = [
        f"{line}: imports {name}"
        for line, name in _imports(tree)
        if forbidden & {name, name.split(".")[0]} or (room and _is_foreign_room(name, room))
    ]
    if room in PURE_ROOMS:
        found += [f"{line}: {what}" for line, what in _impure_calls(tree)]
    return found


def _is_foreign_room(name: str, room: str) -> bool:
    """Whether a module of core stands in a room that this one may not import."""
    top, _, rest = name.partition(".")
    return top == "core" and rest.split(".")[0] not in {"", room, *ROOMS[room]}


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.lineno, node.module
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            name = node.args[0] if node.args else None
            if isinstance(name, ast.JoinedStr) and str(getattr(name.values[0], "value", "")).endswith("."):
                name = name.values[0]  # computed, but below a package that is named
            # A name computed at run time could be anything, so it counts as one that no layer may import.
            yield node.lineno, str(name.value).rstrip(".") if isinstance(name, ast.Constant) else "tests"


def _impure_calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value).rsplit(".", 1)[-1]
            if node.attr in CLOCK.get(owner, frozenset()):
                yield node.lineno, f"reads the clock: {owner}.{node.attr}"
            elif node.attr == "environ":
                yield node.lineno, "reads the environment"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method = node.func.attr
            package_data = ast.unparse(node.func).startswith(PACKAGE_DATA)
            if method in FILE_METHODS or (method == "read_text" and not package_data):
                yield node.lineno, f"touches files: .{method}()"
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_NAMES
        ):
            yield node.lineno, f"calls {node.func.id}()"


def sources(package: str) -> list[Path]:
    return sorted((CHECKOUT / package.replace(".", "/")).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_package_keeps_to_its_layer(package: str) -> None:
    files = sources(package)
    assert len(files) > 1, f"no sources of {package} in {CHECKOUT}"
    found = [
        f"{path.relative_to(CHECKOUT)}:{violation}"
        for path in files
        for violation in violations(path.read_text(encoding="utf-8"), package)
    ]
    assert not found, "\n".join(found)


def test_every_room_of_core_has_its_rule() -> None:
    rooms = {
        path.parent.relative_to(CHECKOUT / "core").parts[0] for path in (CHECKOUT / "core").glob("*/*.py")
    }
    assert rooms == set(ROOMS)
    assert sorted(path.name for path in (CHECKOUT / "core").glob("*.py")) == ["__init__.py"]


def test_the_pure_rooms_are_those_the_digests_cover() -> None:
    assert set(OPEN_ROOMS) == IMPURE_ROOMS


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {name: _modules_imported(path) for name, path in _modules().items()}
    assert _circle(graph) == []


def test_a_planted_circle_is_found() -> None:
    assert _circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c", "a"]
    assert _circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def _modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(CHECKOUT).with_suffix("").parts): path
        for package in FORBIDDEN_PACKAGES
        for path in sources(package)
        if path.name != "__init__.py"
    }


def _modules_imported(path: Path) -> set[str]:
    """Modules that one imports by name, an import under TYPE_CHECKING or in a function included."""
    known = _modules()
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        else:
            continue
        found |= names & known.keys()
    return found


def _circle(graph: Mapping[str, set[str]]) -> list[str]:
    """One circle of imports, from its first module back to it; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("core.model", "import kafka"),
        ("core.model", "import os.path"),
        ("core.model", "text = Path('universe.toml').read_text()"),
        ("core.model", "found = settings.file.exists()"),
        ("core.model", "stream = io.open('universe.toml')"),
        ("core.model", "import urllib.request"),
        ("core.model", "from asyncio import Queue"),
        ("core.model", "from producers.framing.framer import Framer"),
        ("core.model", "from deploy import local"),
        ("core.model", "def f():\n    import threading as t\n    return t"),
        ("core.model", "import importlib\nimportlib.import_module('socket')"),
        ("core.model", "import importlib\nimportlib.import_module(name)"),
        ("core.model", "import importlib\nimportlib.import_module(f'{name}.x')"),
        ("core.model", "import importlib\nimportlib.import_module(f'kafka.{name}')"),
        ("deploy", "import importlib\nimportlib.import_module(f'tests{name}')"),
        ("core.model", "from datetime import datetime, UTC\nnow = datetime.now(UTC)"),
        ("core.model", "import datetime\nday = datetime.date.today()"),
        ("core.model", "import datetime as dt\nday = dt.datetime.utcnow"),
        ("core.model", "import pandas as pd\nnow = pd.Timestamp.now('UTC')"),
        ("core.model", "text = open('universe.toml').read()"),
        ("core.model", "print('hello')"),
        ("core.model", "import polars as pl\nframe = pl.scan_csv('x.csv')"),
        ("core.model", "frame.write_parquet('x')"),
        ("core.model", "level = settings.environ['LEVEL']"),
        ("core.model", "from core.runtime.log import configure_log"),
        ("core.runtime", "from consumers.worker.worker import Worker"),
        ("producers", "from consumers.worker.worker import Worker"),
        ("consumers", "import producers.framing.framer"),
        ("consumers", "def f():\n    from producers import feeds"),
        ("consumers", "from deploy.kafka.topics import load_topics"),
        ("deploy", "from tests.support import ports"),
    ],
)
def test_a_planted_violation_is_found(package: str, source: str) -> None:
    found = violations(source, package)
    assert len(found) == 1
    assert found[0].startswith(f"{len(source.splitlines()) if 'def f' not in source else 2}:")


@pytest.mark.parametrize(
    ("package", "source"),
    [
        (
            "core.model",
            "import numpy as np\nfrom core.model.records import TICK\nfrom datetime import UTC, date",
        ),
        (
            "core.model",
            "from importlib import resources\nresources.files('core').joinpath('data/x.json').read_text()",
        ),
        ("core.model", "def mark(now_ns: int, time: int) -> int:\n    return now_ns + time"),
        ("core.model", "from . import errors\nwhen = datetime.fromtimestamp(0, UTC)"),
        ("producers", "import asyncio, os, time\nfrom core.model.frames import encode\nopen('x')"),
        ("consumers", "import threading\nimport prometheus_client\nfrom core.model.errors import InputError"),
        ("core.runtime", "import os\nfrom core.model.settings import Settings"),
        ("core.kafka", "import kafka\nfrom core.runtime.deadline import Deadline"),
        ("core.engine", "from core.partition.ticks import apply_ticks\nfrom core import __doc__"),
        ("deploy", "from producers import cli\nfrom consumers import worker"),
        ("deploy", "import importlib\nimportlib.import_module(f'core.{name}')"),
    ],
)
def test_what_is_allowed_passes(package: str, source: str) -> None:
    assert violations(source, package) == []
