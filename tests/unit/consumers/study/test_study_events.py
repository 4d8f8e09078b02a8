"""`rotascope study events` and `base-rates`: the contract of the command line."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from consumers.study.inputs import _exchange
from consumers.worker.schemas import defect
from core.events.cards import RateCards
from core.model.schemas import STUDY_BASE_RATES, event_schema_id
from core.model.sessions import build_calendar
from core.runtime.files import CALENDAR_OVERRIDES, read_text
from tests.support.study_command import (
    CommandAnswer,
    daily_frame,
    random_closes,
    session_dates,
    study,
    write_csv,
)

COUNT = 130
OPPOSITE = (20, 90, 120)
"""Sessions on which SML rises by 4 % and BIG falls."""

CATALOGUE = """
[[definition]]
id = "opposite_up"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d >= 3", "benchmark_return_pct:1d < 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
show.spread_pp = "relative_strength_pp:1d"
threshold = { instrument_return_pct = 3.0 }

[[definition]]
id = "spread_1d"
family = "relative-strength"
expires = 5
enter = ["abs(relative_return_zscore:1d) >= 2.5"]
exit = ["abs(relative_return_zscore:1d) <= 1"]
show.zscore = "relative_return_zscore:1d"
show.relative_return_pct = "relative_strength_percent:1d"
show.spread_pp = "relative_strength_pp:1d"
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
threshold = { zscore = 2.5, zscore_exit = 1.0 }
series = "relative return"
"""


@pytest.fixture(scope="module")
def dates() -> list[date]:
    return session_dates(date(2023, 1, 3), COUNT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, dates: list[date]) -> Path:
    folder = tmp_path_factory.mktemp("study")
    small, big = random_closes(COUNT, 1), random_closes(COUNT, 2)
    for row in OPPOSITE:
        small[row:] *= 1.04 * small[row - 1] / small[row]
        big[row:] *= 0.99 * big[row - 1] / big[row]
    write_csv(folder, "SML", daily_frame(dates, small))
    write_csv(folder, "BIG", daily_frame(dates, big))
    daily_frame(dates, small).write_parquet(folder / "SML.parquet")
    (folder / "catalogue.toml").write_text(CATALOGUE)
    return folder


def run(folder: Path, *arguments: str, small: str = "SML.csv") -> CommandAnswer:
    return study(
        *arguments,
        *("--pair", "SML/BIG", "--catalogue", str(folder / "catalogue.toml")),
        bars={"SML": folder / small, "BIG": folder / "BIG.csv"},
    )


@pytest.fixture(scope="module")
def every_line(folder: Path) -> list[dict[str, object]]:
    answer = run(folder, "events", "--format", "jsonl")
    assert answer.code == 0, answer.err
    return answer.lines


def test_an_event_is_told_as_the_live_system_tells_it(
    every_line: list[dict[str, object]], dates: list[date]
) -> None:
    opposite = [line for line in every_line if line["definition"] == "opposite_up"]
    assert [line["event_time"] for line in opposite] == [str(dates[row]) for row in OPPOSITE]
    last = opposite[-1]
    assert last["state"] == "opened"
    assert last["knowable_time"] == f"{dates[120]}T20:00:00Z"
    assert last["values"] == {
        "benchmark_return_pct": pytest.approx(-1.0, abs=1e-4),
        "instrument_return_pct": pytest.approx(4.0, abs=1e-4),
        "spread_pp": pytest.approx(5.0, abs=1e-4),
    }
    assert last["threshold"] == {"instrument_return_pct": 3.0}
    assert last["first_since"] == {
        "last_true": str(dates[90]),
        "previous_opening": str(dates[90]),
        "history_start": str(dates[1]),
        "series": "close",
        "operator": ">=",
        "openings": 2,
        "sessions_true": 2,
    }
    assert last["quality"] == "ok"


def test_every_line_keeps_to_its_schema(every_line: list[dict[str, object]]) -> None:
    assert {line["definition"] for line in every_line} == {"opposite_up", "spread_1d"}
    assert [defect(event_schema_id(str(line["family"])), line) for line in every_line] == [None] * len(
        every_line
    )


def test_base_rates_count_only_what_was_known(every_line: list[dict[str, object]], dates: list[date]) -> None:
    """The third case is in late June 2023: March has ended, and one case was closed by then."""
    by_date = {line["event_time"]: line for line in every_line if line["definition"] == "opposite_up"}
    assert by_date[str(dates[20])]["base_rate"] is None
    assert by_date[str(dates[20])]["reasons"] == {
        "base_rate": "not computed",
        "first_since.last_true": f"none since {dates[1]}",
        "openings_per_year": "less than one year of history",
        "first_since.previous_opening": f"none since {dates[1]}",
        "rarity": "not computed",
    }
    rate = by_date[str(dates[120])]["base_rate"]
    assert isinstance(rate, dict)
    assert rate["as_of"] == "2023-03-31"
    counted = [(one["horizon_sessions"], one["n"]) for one in rate["horizons"]]
    assert counted == [(1, 1), (5, 1), (20, 1), (60, 0)]


def test_a_date_known_ahead_tags_the_session_before_it_although_the_files_end_there(tmp_path: Path) -> None:
    """The Russell reconstitution of 2024-06-28 was known for months."""
    dates = [day for day in session_dates(date(2024, 6, 3), 40) if day <= date(2024, 6, 27)]
    closes = np.full(len(dates), 100.0)
    small, big = closes.copy(), closes.copy()
    small[-1], big[-1] = 104.0, 99.0
    answer = study(
        *("events", "--pair", "SML/BIG", "--definition", "opposite_day_up", "--format", "jsonl"),
        bars={
            "SML": write_csv(tmp_path, "SML", daily_frame(dates, small)),
            "BIG": write_csv(tmp_path, "BIG", daily_frame(dates, big)),
        },
    )
    assert [line["event_time"] for line in answer.lines] == ["2024-06-27"]
    assert "russell_reconstitution" in answer.lines[0]["tags"]


def test_dates_definitions_and_states_choose_what_is_printed_and_never_what_is_computed(
    folder: Path, every_line: list[dict[str, object]], dates: list[date]
) -> None:
    answer = run(
        folder,
        *("events", "--format", "jsonl", "--from", str(dates[60]), "--to", str(dates[119])),
        *("--definition", "opposite_up", "--state", "opened"),
    )
    assert answer.lines == [line for line in every_line if line["event_time"] == str(dates[90])][:1]
    assert answer.lines[0]["definition"] == "opposite_up"


def test_parquet_gives_what_csv_gives(folder: Path, every_line: list[dict[str, object]]) -> None:
    assert run(folder, "events", "--format", "jsonl", small="SML.parquet").lines == every_line


def test_a_column_may_be_named_for_the_close(folder: Path, every_line: list[dict[str, object]]) -> None:
    answer = run(folder, "events", "--format", "jsonl", small="SML.csv:open")
    assert [line["event_time"] for line in answer.lines] == [line["event_time"] for line in every_line]


def test_the_table_says_the_same_for_people(folder: Path, dates: list[date]) -> None:
    answer = run(folder, "events", "--definition", "opposite_up")
    assert answer.code == 0
    assert "3 events" in answer.out
    for row in OPPOSITE:
        assert str(dates[row]) in answer.out
    rows = [line.strip("│").split("│") for line in answer.out.splitlines() if line.startswith("│")]
    told = " ".join(" ".join(row[5] for row in rows).split())
    assert f"first in the history from {dates[1]}" in told
    assert "a year" in answer.out
    assert "numerator ahead in" in answer.out


def test_the_table_counts_one_event_as_one(folder: Path) -> None:
    day = run(folder, "events", "--definition", "opposite_up", "--format", "jsonl").lines[0]["event_time"]
    answer = run(folder, "events", "--definition", "opposite_up", "--from", str(day), "--to", str(day))
    assert answer.out.lstrip().startswith("1 event ")


def test_base_rates_keep_to_their_schema_and_say_why_a_figure_is_null(
    folder: Path, tmp_path: Path, dates: list[date]
) -> None:
    store = tmp_path / "rates.json"
    answer = run(folder, "base-rates", "--format", "json", "--store", str(store))
    assert answer.code == 0, answer.err
    document = json.loads(answer.out)
    assert defect(STUDY_BASE_RATES, document) is None
    rows = document["base_rates"]
    assert [(row["definition"], row["horizon_sessions"]) for row in rows] == [
        (name, horizon) for name in ("opposite_up", "spread_1d") for horizon in (1, 5, 20, 60)
    ]
    first = rows[0]
    assert (first["n"], first["n_declustered"], first["as_of"]) == (3, 3, str(dates[-1]))
    assert first["hit_rate"] is None
    assert first["reasons"]["hit_rate"] == "too few cases (3)"
    assert {row["family_size"] for row in rows} == {8}
    cards = RateCards.parse(store.read_bytes())
    assert {key[0] for key in cards.cards} == {"opposite_up", "spread_1d"}


def test_base_rates_as_a_table(folder: Path) -> None:
    answer = run(folder, "base-rates", "--definition", "opposite_up")
    assert answer.code == 0
    assert "family of 8" in answer.out
    assert "spread_1d" not in answer.out


def test_more_than_one_pair_is_one_study(folder: Path, every_line: list[dict[str, object]]) -> None:
    answer = study(
        *("events", "--format", "jsonl", "--catalogue", str(folder / "catalogue.toml")),
        *("--pair", "SML/BIG", "--pair", "BIG/SML"),
        bars={"SML": folder / "SML.csv", "BIG": folder / "BIG.csv"},
    )
    own = [line for line in answer.lines if line["pair"] == "SML/BIG"]
    assert [line["values"] for line in own] == [line["values"] for line in every_line]
    assert {line["pair"] for line in answer.lines} == {"SML/BIG", "BIG/SML"}


BAD_FLAGS = {
    "no such file": (["--bars", "SML=none.csv"], "none.csv cannot be read"),
    "a folder": (["--bars", "SML=."], "cannot be read"),
    "no file": (["--bars", "SML="], "is not NAME=FILE"),
    "no symbol": (["--bars", "=x.csv"], "is not NAME=FILE"),
    "a symbol twice": (["--bars", "BIG={folder}/SML.csv"], "--bars names 'BIG' twice"),
    "no such column": (["--bars", "SML={folder}/SML.csv:adjclose"], "has no column 'adjclose'"),
    "a pair without a slash": (["--pair", "SML"], "is not NUMERATOR/BENCHMARK"),
    "an unknown leg": (["--pair", "SMLL/BIG"], "no --bars for 'SMLL'; did you mean 'SML'?"),
    "a pair of one": (["--pair", "BIG/BIG"], "the same instrument as numerator and benchmark"),
    "an unknown definition": (["--definition", "opposite_upp"], "did you mean 'opposite_day_up'"),
    "an unknown state": (["--state", "open"], "Invalid value for '--state'"),
    "a date that is none": (["--from", "2024-02-30"], "--from '2024-02-30' is not a date"),
    "a date in another form": (["--to", "20240711"], "is not a date like 2024-07-11"),
    "dates the wrong way round": (["--from", "2024-01-02", "--to", "2023-01-03"], "is after --to"),
    "an unknown calendar": (["--calendar", "NYSE2"], "no calendar is named"),
    "catalogue that does not exist": (["--catalogue", "none.toml"], "none.toml cannot be read"),
    "a series without a file": (["--series", "DGS10"], "is not NAME=FILE"),
    "a flow into nothing": (
        ["--series", "XYZ_flow={folder}/SML.csv"],
        "does not name the symbol of the flow",
    ),
    "an unknown option": (["--form", "jsonl"], "No such option"),
}


@pytest.mark.parametrize(("flags", "message"), BAD_FLAGS.values(), ids=BAD_FLAGS)
def test_bad_input_ends_with_2_and_a_word_on_standard_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], message: str
) -> None:
    monkeypatch.chdir(folder)
    flags = [flag.format(folder=folder) for flag in flags]
    bars = {"BIG": folder / "BIG.csv"}
    if not any("SML=" in flag for flag in flags):
        bars["SML"] = folder / "SML.csv"
    pair = [] if "--pair" in flags and flags[1] == "SML" else ["--pair", "SML/BIG"]
    answer = study("events", *pair, *flags, bars=bars)
    assert (answer.code, answer.out) == (2, ""), answer.err
    assert message in " ".join(answer.err.replace("│", " ").split())
    assert "Traceback" not in answer.err


BAD_FILES = {
    "nothing": (b"", "is not a readable csv file"),
    "only a header": (b"date,close\n", "has a header but no rows"),
    "no date": (b"day,close\n2024-01-02,1\n", "has no column 'date'"),
    "text for a price": (b"date,close\n2024-01-02,dear\n", "column 'close': 'dear' is not a number"),
    "two closes": (b"date,close\n2024-01-02,1\n2024-01-02,2\n", "more than one close"),
    "unsorted": (b"date,close\n2024-01-03,1\n2024-01-02,2\n2024-01-04,2\n", "dates must be ascending"),
    "an infinite price": (b"date,close\n2024-01-02,inf\n", "is infinite"),
    "a price beyond a record": (b"date,close\n2024-01-02,1e20\n", "does not fit price_exponent"),
    "bytes of something else": (bytes(range(256)), "SML"),
}


@pytest.mark.parametrize(("data", "message"), BAD_FILES.values(), ids=BAD_FILES)
@pytest.mark.parametrize("command", ["events", "base-rates"])
def test_a_file_that_cannot_be_used_ends_with_2(
    folder: Path, tmp_path: Path, command: str, data: bytes, message: str
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(data)
    answer = study(command, "--pair", "SML/BIG", bars={"SML": bad, "BIG": folder / "BIG.csv"})
    assert (answer.code, answer.out) == (2, ""), answer.err
    assert message in answer.err


def test_bad_rows_are_passed_over_and_named(folder: Path, tmp_path: Path, dates: list[date]) -> None:
    lines = (folder / "SML.csv").read_text().splitlines()
    holed = tmp_path / "holed.csv"
    holed.write_text("\n".join([lines[0], *lines[1:40], f"{dates[39]},,,,,,", *lines[41:]]))
    answer = study(
        *("events", "--format", "jsonl", "--catalogue", str(folder / "catalogue.toml"), "--pair", "SML/BIG"),
        bars={"SML": holed, "BIG": folder / "BIG.csv"},
    )
    assert answer.code == 0, answer.err
    assert "1 × blank_close" in json.loads(answer.err.splitlines()[0])["finding"]


def test_a_store_that_cannot_be_written_ends_with_2(folder: Path) -> None:
    answer = run(folder, "base-rates", "--store", str(folder / "none" / "rates.json"))
    assert (answer.code, answer.out) == (2, "")
    assert "cannot be written" in answer.err


RULE = 'id = "x"\nfamily = "level"\n'
BAD_SIGNALS = {
    "an unknown kind": ('id = "x"\nkind = "oposite_day"', "kind: must be 'rule', not 'oposite_day'"),
    "an unknown indicator": (
        RULE + 'enter = ["drawdwn_pct <= -10"]',
        "definition 'x': enter: no indicator gives 'drawdwn_pct' to a rule at 1d; did you mean drawdown_pct",
    ),
    "an indicator of another frequency": (
        RULE + 'enter = ["ratio:1d > 1"]\nvalues = ["beta_1h"]',
        "no indicator gives 'beta_1h', which is computed at 1m, to a rule at 1d; did you mean",
    ),
    "a condition that cannot be read": (
        RULE + 'enter = ["drawdown_pct about 3"]',
        "cannot read 'drawdown_pct",
    ),
    "a misspelled key": (
        RULE + 'enter = []\nexti = ["ratio:1d > 1"]',
        "unknown key 'exti'; did you mean 'exit'",
    ),
    "an unknown family": (
        RULE.replace("level", "levels") + 'enter = ["ratio:1d > 1"]',
        "family 'levels'",
    ),
    "no TOML": ("id = ", "catalogue: not valid TOML"),
}


@pytest.mark.parametrize(("entry", "message"), BAD_SIGNALS.values(), ids=BAD_SIGNALS)
def test_a_catalogue_with_an_error_is_refused(folder: Path, tmp_path: Path, entry: str, message: str) -> None:
    catalogue = tmp_path / "bad.toml"
    catalogue.write_text(f"[[definition]]\n{entry}\n")
    answer = study(
        *("events", "--pair", "SML/BIG", "--catalogue", str(catalogue)),
        bars={"SML": folder / "SML.csv", "BIG": folder / "BIG.csv"},
    )
    assert (answer.code, answer.out) == (2, ""), answer.err
    assert message in answer.err


def test_an_index_with_the_volume_of_its_exchange_is_used_without_it(folder: Path, tmp_path: Path) -> None:
    """Guards against a vendor's composite volume of ten billion ending the command."""
    frame = daily_frame(session_dates(date(2023, 1, 3), 30), np.linspace(100, 101, 30))
    frame = frame.with_columns(Volume=np.where(np.arange(30) == 7, 9.5e9, 1e9))
    answer = study(
        *("events", "--format", "jsonl", "--pair", "SML/BIG"),
        bars={"SML": write_csv(tmp_path, "SML", frame), "BIG": folder / "BIG.csv"},
    )
    assert answer.code == 0
    assert "volume_too_large" in json.loads(answer.err.splitlines()[0])["finding"]


def test_the_days_ahead_of_a_history_are_those_of_one_calendar() -> None:
    """Guards the calendar that is put together from two: it equals the one that is built at once."""
    overrides = read_text(None, CALENDAR_OVERRIDES)
    for last in (date(2024, 7, 3), date(2023, 12, 29), date(2018, 12, 4)):
        calendar = build_calendar("XNYS", date(2017, 1, 3), last, overrides=overrides)
        put_together = _exchange(calendar)
        whole = build_calendar("XNYS", date(2017, 1, 3), last + timedelta(days=31), overrides=overrides)
        assert put_together.session.tolist() == whole.session.tolist()
        assert put_together.open_ns.tolist() == whole.open_ns.tolist()
        assert put_together.close_ns.tolist() == whole.close_ns.tolist()
        assert put_together.early_close.tolist() == whole.early_close.tolist()
        assert put_together.digest == whole.digest
