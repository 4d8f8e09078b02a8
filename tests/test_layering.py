"""The layers: `core` is pure, and the two edges do not know each other.

The rules are read from the syntax tree, so that an import inside a function counts as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]

# What a package may not import, by first name or by full dotted name.
OUTSIDE_WORLD = frozenset(
    """
    kafka confluent_kafka websockets prometheus_client http httpx requests urllib3 urllib.request
    asyncio threading multiprocessing concurrent signal subprocess socket selectors
    os shutil tempfile glob sqlite3 sys time sched
    random secrets uuid logging structlog rich typer pydantic_settings
    """.split()
)
# What both edges need of the outside world: files, settings, the log, exit codes.
SHARED_EDGE = "deploy.edge"
FORBIDDEN_IMPORTS = {
    "core": OUTSIDE_WORLD | {"producers", "consumers", "deploy", "rotascope", "tests"},
    SHARED_EDGE: frozenset({"producers", "consumers", "deploy", "rotascope", "tests"}),
    "producers": frozenset({"consumers", "deploy", "rotascope", "tests"}),
    "consumers": frozenset({"producers", "deploy", "rotascope", "tests"}),
    "deploy": frozenset({"tests"}),
}

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
        package: One of `FORBIDDEN_IMPORTS`.

    Returns:
        One line a violation, each beginning with its line number.
    """
    tree = ast.parse(source)
    found = [
        f"{line}: imports {name}"
        for line, name in _imports(tree)
        if FORBIDDEN_IMPORTS[package] & {name, name.split(".")[0]}
        and not (package != "core" and f"{name}.".startswith(f"{SHARED_EDGE}."))
    ]
    if package == "core":
        found += [f"{line}: {what}" for line, what in _impure_calls(tree)]
    return found


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


@pytest.mark.parametrize("package", sorted(FORBIDDEN_IMPORTS))
def test_package_keeps_to_its_layer(package: str) -> None:
    files = sources(package)
    assert len(files) > 1, f"no sources of {package} in {CHECKOUT}"
    found = [
        f"{path.relative_to(CHECKOUT)}:{violation}"
        for path in files
        for violation in violations(path.read_text(encoding="utf-8"), package)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("core", "import kafka"),
        ("core", "import os.path"),
        ("core", "text = Path('universe.toml').read_text()"),
        ("core", "found = settings.file.exists()"),
        ("core", "stream = io.open('universe.toml')"),
        ("core", "import urllib.request"),
        ("core", "from asyncio import Queue"),
        ("core", "from producers.framer import Framer"),
        ("core", "from deploy import local"),
        ("core", "def f():\n    import threading as t\n    return t"),
        ("core", "import importlib\nimportlib.import_module('socket')"),
        ("core", "import importlib\nimportlib.import_module(name)"),
        ("core", "import importlib\nimportlib.import_module(f'{name}.x')"),
        ("core", "import importlib\nimportlib.import_module(f'kafka.{name}')"),
        ("deploy", "import importlib\nimportlib.import_module(f'tests{name}')"),
        ("core", "from datetime import datetime, UTC\nnow = datetime.now(UTC)"),
        ("core", "import datetime\nday = datetime.date.today()"),
        ("core", "import datetime as dt\nday = dt.datetime.utcnow"),
        ("core", "import pandas as pd\nnow = pd.Timestamp.now('UTC')"),
        ("core", "text = open('universe.toml').read()"),
        ("core", "print('hello')"),
        ("core", "import polars as pl\nframe = pl.scan_csv('x.csv')"),
        ("core", "frame.write_parquet('x')"),
        ("core", "level = settings.environ['LEVEL']"),
        ("core", "from deploy.edge.log import configure_log"),
        (SHARED_EDGE, "from consumers.worker import Worker"),
        ("producers", "from consumers.worker import Worker"),
        ("consumers", "import producers.framer"),
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
            "core",
            "import numpy as np\nfrom core.records import TICK\nfrom datetime import UTC, date, datetime",
        ),
        (
            "core",
            "from importlib import resources\nresources.files('core').joinpath('data/x.json').read_text()",
        ),
        ("core", "def mark(now_ns: int, time: int) -> int:\n    return now_ns + time"),
        ("core", "from . import errors\nwhen = datetime.fromtimestamp(0, UTC)"),
        ("producers", "import asyncio, os, time\nfrom core.frames import encode\nopen('x')"),
        ("consumers", "import threading\nimport prometheus_client\nfrom core.errors import InputError"),
        (SHARED_EDGE, "import os\nfrom core.settings import Settings"),
        ("deploy", "from producers import cli\nfrom consumers import worker"),
        ("deploy", "import importlib\nimportlib.import_module(f'core.{name}')"),
    ],
)
def test_what_is_allowed_passes(package: str, source: str) -> None:
    assert violations(source, package) == []
