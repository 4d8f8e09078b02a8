"""Whatever is handed in: an exit code, one line that says what and where, and no word of a library.

Every file goes through `study` and through `backfill` as a user calls them. What cannot be used is refused
before a broker is asked anything; what can be used in part is told of in the same words by both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import rotascope
from core.model.errors import TransportError
from producers.backfill import bars as backfill_bars
from tests.support.bad_file import CLOSES, DAYS, BadFile, plain
from tests.support.bad_files import BAD_FILES
from tests.support.definitions import opposite_day
from tests.support.study_command import COLOURS, CommandAnswer

LIBRARIES = re.compile(
    r"traceback|polars|pydantic|numpy|pandas|pyarrow|pyo3|exchange_calendars|tomllib|jsonschema|msgspec"
    r"|errno|codec|schema|dtype|strptime|\w+Error\b|<class",
    re.IGNORECASE,
)
LONGEST = 300
UNIVERSE = """
[[source]]
id = 1
name = "alpaca"
[[source]]
id = 900
name = "history"
[defaults.etf]
calendar = "XNYS"
source = "alpaca"
has_official_close = false
[[instrument]]
id = 1
symbol = "SYM"
class = "etf"
[[instrument]]
id = 2
symbol = "OTH"
class = "etf"
[[pair]]
numerator = "SYM"
benchmark = "OTH"
"""


class Asked:
    """Represents the broker, and refuses whoever asks."""

    def __init__(self, *_: object) -> None:
        raise TransportError("a broker was asked")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "OTH.csv").write_bytes(plain())
    (folder / "universe.toml").write_text(UNIVERSE)
    for bad in BAD_FILES:
        (folder / bad.name).write_bytes(bad.data)
    return folder


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill_bars, "log_reader", Asked)


def run(*words: str) -> CommandAnswer:
    result = CliRunner().invoke(rotascope.app, words, prog_name="rotascope", env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return CommandAnswer(result.exit_code, COLOURS.sub("", result.stdout), COLOURS.sub("", result.stderr))


def study_events(bars: str, folder: Path, *options: str) -> CommandAnswer:
    others = ("--bars", f"OTH={folder / 'OTH.csv'}", "--pair", "SYM/OTH")
    return run(
        "study", "values", "--date", "2024-07-11", "--bars", bars, *others, "--format", "json", *options
    )


def backfill(form: str, bars: str, folder: Path, *options: str) -> CommandAnswer:
    flags = ("--universe", str(folder / "universe.toml"), "--bootstrap-servers", "127.0.0.1:1")
    return run("backfill", form, bars, *flags, *options)


def findings(answer: CommandAnswer) -> list[str]:
    return [str(line["finding"]) for line in logged(answer)]


def logged(answer: CommandAnswer) -> Iterator[dict[str, object]]:
    for line in answer.err.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def the_error(answer: CommandAnswer) -> str:
    (line,) = [
        line for line in answer.err.splitlines() if not line.startswith("{") and "Operator action" not in line
    ]
    assert line.startswith("error: ")
    return line


def require_readable(answer: CommandAnswer) -> None:
    assert not LIBRARIES.search(answer.err), answer.err
    assert max(map(len, findings(answer)), default=0) <= LONGEST
    plain_lines = [line for line in answer.err.splitlines() if not line.startswith("{")]
    assert max(map(len, plain_lines), default=0) <= LONGEST, answer.err


def has(said: str, text: str) -> bool:
    return any(each in text for each in said.split("|"))


def commands(bad: BadFile, folder: Path) -> Iterator[CommandAnswer]:
    bars = f"SYM={folder / bad.name}" + (f":{bad.column}" if bad.column else "")
    if bad.form != "csv only":
        yield study_events(bars, folder, *bad.options)
    yield backfill(bad.form.split()[0], bars, folder, *bad.options)


def test_there_are_enough_of_them() -> None:
    assert len({bad.name for bad in BAD_FILES}) == len(BAD_FILES) >= 120


@pytest.mark.parametrize("bad", [bad for bad in BAD_FILES if not bad.works], ids=lambda bad: bad.name[:30])
def test_a_file_that_cannot_be_used_is_refused_in_one_line(bad: BadFile, folder: Path) -> None:
    said: list[str] = []
    for answer in commands(bad, folder):
        assert (answer.code, answer.out) == (2, ""), answer.err
        require_readable(answer)
        line = the_error(answer)
        assert has(bad.message, line), line
        if not bad.options:
            assert bad.name[:20] in line
        said.append(line)
    # Beside another file the calendar is longer, and what is missing is the row, not the session.
    assert len(set(said)) == 1 or "|" in bad.message


@pytest.mark.parametrize("bad", [bad for bad in BAD_FILES if bad.works], ids=lambda bad: bad.name[:30])
def test_a_file_that_can_be_used_in_part_is_told_of_alike(bad: BadFile, folder: Path) -> None:
    studied, filled = commands(bad, folder)
    assert (studied.code, filled.code) == (0, 1), studied.err + filled.err
    assert "a broker was asked" in filled.err
    for answer in (studied, filled):
        require_readable(answer)
        assert any(bad.message in finding for finding in findings(answer)), answer.err
    assert [(line["file"], line["finding"]) for line in logged(studied)] == [
        (line["file"], line["finding"]) for line in logged(filled) if "finding" in line
    ]
    assert json.loads(studied.out)["pair"] == "SYM/OTH"


def test_what_is_no_file_is_refused(folder: Path, tmp_path: Path) -> None:
    for path, said in ((tmp_path, "Is a directory"), (tmp_path / "none.csv", "No such file")):
        for answer in (study_events(f"SYM={path}", folder), backfill("csv", f"SYM={path}", folder)):
            assert answer.code == 2
            require_readable(answer)
            assert "cannot be read" in the_error(answer)
            assert said in the_error(answer)
            assert path.name in the_error(answer)


@pytest.mark.parametrize(
    ("bars", "said"),
    [
        (["SYM"], "'SYM' is not NAME=FILE"),
        (["=SYM.csv"], "is not NAME=FILE"),
        (["SYM="], "is not NAME=FILE"),
        (["SYM=:close"], "is not NAME=FILE"),
        (["=" * 4000], "is not NAME=FILE"),
        (["SYM=a.csv", "SYM=b.csv"], "names 'SYM' twice: a.csv and b.csv"),
        (["GC=F=a.csv", "GC=F=b.csv"], "names 'GC=F' twice: a.csv and b.csv"),
        (["SYM=" + "x" * 4000], "cannot be read: File name too long"),
        (["SYM=a\x00b.csv"], "it is not a valid path"),
    ],
)
def test_files_named_wrongly_are_refused_by_every_command(bars: list[str], said: str, folder: Path) -> None:
    given = [word for each in bars for word in ("--bars", each)]
    universe = ("--universe", str(folder / "universe.toml"))
    others = () if len(bars) > 1 else ("--bars", f"OTH={folder / 'OTH.csv'}")
    for answer in (
        run("study", "events", *given, *others, "--pair", "SYM/OTH" if others else "SYM/SYM"),
        run("backfill", "csv", *bars, *universe),
        run("backfill", *(word for each in bars for word in ("--history", each)), *universe),
    ):
        assert answer.code == 2, answer.err
        require_readable(answer)
        assert said in the_error(answer)
    if (
        "cannot be read" not in said and "not a valid path" not in said
    ):  # which no claim is about, so it is not read
        assert said in the_error(run("claims", *given, *others))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--calendar", "XNYZ"], "no calendar is named 'XNYZ'"),
        (["--calendar", ""], "no calendar is named ''"),
        (["--pair", "SYM"], "is not NUMERATOR/BENCHMARK"),
        (["--pair", "SYM/XYZ"], "no --bars for 'XYZ'"),
        (["--pair", "SYM/OTH/OTH"], "is not NUMERATOR/BENCHMARK"),
        (["--from", "2024-02-30"], "--from '2024-02-30' is not a date"),
        (["--from", "11.07.2024"], "is not a date like 2024-07-11"),
        (["--to", "tomorrow"], "--to 'tomorrow' is not a date"),
        (["--to", "20240711"], "is not a date like 2024-07-11"),
        (["--definition", "no_such"], "no_such"),
        (["--catalogue", "none.toml"], "none.toml cannot be read"),
        (["--series", "TEN"], "is not NAME=FILE"),
        (["--series", "TEN=none.csv:TEN"], "TEN: none.csv cannot be read"),
        (["--rarity", "none.json"], "none.json cannot be read"),
        (["--date-column", "SYM:when"], "has no column 'when'"),
        (["--date-format", "nothing"], "is not a format with year, month and day"),
    ],
)
def test_options_of_a_study_are_refused_in_words_of_ours(options: list[str], said: str, folder: Path) -> None:
    bars = [w for s in ("SYM", "OTH") for w in ("--bars", f"{s}={folder / 'OTH.csv'}")]
    pair = [] if "--pair" in options else ["--pair", "SYM/OTH"]
    answer = run("study", "events", *bars, *pair, *options)
    assert (answer.code, answer.out) == (2, ""), answer.err
    require_readable(answer)
    assert said in the_error(answer)


UNIVERSES = {
    "not_toml": ("[[source]", "not valid TOML"),
    "empty": ("", "source"),
    "wrong_type": (UNIVERSE.replace("id = 2", 'id = "two"'), "id"),
    "huge_id": (UNIVERSE.replace("id = 2", "id = 99999999999999999999"), "id"),
    "negative_id": (UNIVERSE.replace("id = 2", "id = -1"), "id"),
    "float_id": (UNIVERSE.replace("id = 2", "id = 2.0"), "id"),
    "no_symbol": (UNIVERSE.replace('symbol = "OTH"\n', ""), "symbol"),
    "bad_class": (UNIVERSE.replace('OTH"\nclass = "etf"', 'OTH"\nclass = "fund"'), "class"),
    "twice": (UNIVERSE.replace('"OTH"', '"SYM"'), "is duplicated"),
    "no_leg": (UNIVERSE.replace('benchmark = "OTH"', 'benchmark = "XYZ"'), "'XYZ'"),
    "calendar": (UNIVERSE.replace('"XNYS"', '"XNYZ"'), "XNYZ"),
    "unknown_key": (UNIVERSE.replace("id = 2", "id = 2\ncolour = 1"), "colour"),
    "latin": ("name = \"B\xf6rse\"", "not UTF-8"),
    "stranger": (UNIVERSE.replace("SYM", "ZZZ"), "'SYM'"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNIVERSES)
def test_a_universe_that_cannot_be_used_is_explained(name: str, tmp_path: Path, folder: Path) -> None:
    text, said = UNIVERSES[name]
    (tmp_path / "universe.toml").write_bytes(text.encode("latin-1"))
    flags = ("--universe", str(tmp_path / "universe.toml"), "--bootstrap-servers", "127.0.0.1:1")
    answer = run("backfill", "csv", f"SYM={folder / 'OTH.csv'}", *flags)
    assert (answer.code, answer.out) == (2, ""), answer.err
    require_readable(answer)
    assert said in the_error(answer)


SETTINGS = {
    "not_toml": ("[kafka", "settings"),
    "unknown_section": ("[kafak]\npartitions = 1\n", "unknown section 'kafak'; did you mean 'kafka'?"),
    "unknown_key": ("[kafka]\npartition = 1\n", "kafka: unknown key 'partition'"),
    "wrong_type": ('[kafka]\npartitions = "many"\n', "kafka.partitions"),
    "huge": ("[kafka]\npartitions = 99999999999999999999999999\n", "kafka.partitions"),
    "negative": ("[kafka]\npartitions = -1\n", "kafka.partitions"),
    "port": ("[metrics]\nport = 99999\n", "metrics.port"),
    "level": ('[log]\nlevel = "loud"\n', "log.level"),
    "history_twice": (
        '[[history]]\nsymbol = "SYM"\nfile = "a"\n[[history]]\nsymbol = "SYM"\nfile = "b"\n',
        "names 'SYM' twice",
    ),
    "history_key": ('[[history]]\nsymbol = "SYM"\npath = "a"\n', "unknown key 'path'"),
    "history_jump": (
        '[[history]]\nsymbol = "SYM"\nfile = "a"\naccept_jumps = ["never"]\n',
        "accept_jumps.0: must be a date",
    ),
    "list": ("kafka = 1\n", "kafka"),
    "nan": ("[producer]\nbytes_in_flight_max = nan\n", "producer.bytes_in_flight_max"),
    "latin": ("[log]\nlevel = \"d\xe9bug\"\n", "settings"),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_cannot_be_used_are_explained(name: str, tmp_path: Path, folder: Path) -> None:
    text, said = SETTINGS[name]
    (tmp_path / "settings.toml").write_bytes(text.encode("latin-1"))
    flags = ("--universe", str(folder / "universe.toml"), "--settings", str(tmp_path / "settings.toml"))
    answer = run("backfill", "csv", *flags)
    assert (answer.code, answer.out) == (2, ""), answer.err
    require_readable(answer)
    assert said in the_error(answer)


DEFINITION = opposite_day("a", more='pairs = ["SYM/OTH"]')
CATALOGUES = {
    "not_toml": ("[[definition]", "TOML"),
    "no_rule": ('[[definition]]\nid = "a"\n', "a"),
    "bad_kind": (DEFINITION + 'kind = "opposite_dai"\n', "opposite_dai"),
    "bad_output": (DEFINITION.replace("strength_pp", "strenght_pp"), "relative_strenght_pp"),
    "wrong_type": (DEFINITION + 'dwell = "up"\n', "dwell"),
    "huge": (DEFINITION.replace(">= 3.0", ">= 1e400"), "1e400"),
    "twice": (DEFINITION + DEFINITION, "a"),
    "latin": ("# B\xf6rse", "not UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_catalogue_that_cannot_be_used_is_explained(name: str, tmp_path: Path, folder: Path) -> None:
    text, said = CATALOGUES[name]
    (tmp_path / "catalogue.toml").write_bytes(text.encode("latin-1"))
    answer = study_events(
        f"SYM={folder / 'OTH.csv'}", folder, "--catalogue", str(tmp_path / "catalogue.toml")
    )
    assert (answer.code, answer.out) == (2, ""), answer.err
    require_readable(answer)
    assert said in the_error(answer)


def test_the_good_rows_are_good(folder: Path) -> None:
    """What the table's files are made of is used without a finding."""
    answer = study_events(f"SYM={folder / 'OTH.csv'}", folder)
    assert (answer.code, answer.err) == (0, "")
    assert json.loads(answer.out)["values"]["ratio"] == 1.0
    assert len(DAYS) == len(CLOSES) == 10
