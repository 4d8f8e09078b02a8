"""Daily files in the shapes of public exports, through `study` and into the topic of daily bars.

Each works in both, to the same value, or is refused by both in one line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from core.model.frames import decode_frame
from core.model.records import BAR, BarFlag
from core.model.sessions import session_day
from deploy.kafka.broker import LocalKafka
from tests.support.definitions import opposite_day
from tests.support.kafka_broker import TEST_PARTITIONS, reset_topics
from tests.support.kafka_log import read
from tests.support.shared_data import shared_data
from tests.support.study_command import Answer, command, study

pytestmark = [pytest.mark.integration, pytest.mark.compiled, pytest.mark.timeout(900)]

DAY_BARS = "rotascope.bars.1d"
DAY, BEFORE = date(2024, 7, 11), date(2024, 7, 10)
LONGEST = 300
PLAIN, SPLIT, CRYPTO, TOKYO = 0.4324422654, 0.1081105664, 1 / 16.796, 15.048
DEFINITION = opposite_day("a", more='pairs = ["A/B"]')
JULY_11 = (DAY, BEFORE)


class Works(NamedTuple):
    """A file that works.

    Args:
        ratio: To its benchmark, on the day.
        finding: A part of what is told of it; nothing is told where it is empty.
        benchmark: The file beside it.
    """

    ratio: float = PLAIN
    finding: str = ""
    benchmark: str = "BIG.csv"


WORKS = {
    "SMALL.csv": Works(),
    "alphavantage.csv": Works(),
    "tradingview.csv": Works(),
    "nasdaq.csv": Works(),
    "investing.csv": Works(),
    "stooq_en.csv": Works(),
    "yahoo_null.csv": Works(finding="1 × blank_close"),
    "today.csv": Works(1.0, "missing_session"),
    "yf_multiindex.csv": Works(),
    "yf_chicago.parquet": Works(),
    "tz_chicago.csv": Works(),
    "tz_tokyo.csv": Works(),
    "starts_weekend.csv": Works(finding="1 × no_session", benchmark="BIG_0712.csv"),
    "starts_holiday.csv": Works(finding="1 × no_session", benchmark="BIG_0712.csv"),
    "ends_weekend.csv": Works(finding="1 × no_session", benchmark="BIG_0712.csv"),
    "bigvol.csv": Works(finding="30 × volume_too_large"),
    "cents100.csv": Works(finding="1 × unit_glitch: the close is about 100 times"),
    "split_unadj.csv": Works(SPLIT, "1 × scale_step: the close is about 1/4 of"),
    "future.csv": Works(1.0, "2 × after_today"),
    "open_above_high.csv": Works(finding="1 × open_unknown"),
    "cboe_disclaimer.csv": Works(finding="lines_before_header"),
    "comment.csv": Works(),
    "tab.csv": Works(),
    "semicolon_comma_dec.csv": Works(),
    "utf16.csv": Works(),
    "alpaca_bars.json": Works(),
    "tiingo.json": Works(finding="30 × utc_midnight"),
    "one_blank_end.csv": Works(),
    "blank_middle.csv": Works(),
}
RATES = {
    "FRED_new.csv": "DGS10",
    "FRED_old_dot.csv": "DGS10",
    "FRED_date_blank.csv": "DGS10",
    "treasury.csv": "10 Yr",
}
REFUSED = {
    "dup_diff_close.csv": "has more than one close for 2024-07-16",
    "hourly.csv": "data row 2: 2024-06-03 has rows at 09:30:00 and 10:30:00, so the file is not daily",
}
CRYPTOS = ("btc_yahoo.csv", "btc_utc.csv", "eth_ny.csv")
TOKYOS = ("tk_n225.csv", "tk_n225.parquet", "tk_topix.csv")


def file_of(name: str) -> Path:
    return shared_data(f"files/{name}")


def symbol_of(name: str) -> str:
    return name.replace(".", "_")


def findings(answer: Answer) -> dict[str, list[str]]:
    """What was told, by file."""
    told: dict[str, list[str]] = {}
    for line in answer.err.splitlines():
        if line.startswith("{") and "finding" in (entry := json.loads(line)):
            told.setdefault(entry["file"], []).append(entry["finding"])
            assert len(entry["finding"]) <= LONGEST
    return told


def form_of(name: str) -> str:
    return "parquet" if name.endswith(".parquet") else "csv"


def calendar_of(name: str) -> str:
    return "24/7" if name in CRYPTOS else "XTKS" if name in TOKYOS else "XNYS"


def universe(folder: Path) -> Path:
    """Every file under a symbol of its own."""
    text = '[[source]]\nid = 1\nname = "alpaca"\n[[source]]\nid = 900\nname = "history"\n'
    for number, name in enumerate(_names(), start=1):
        kind = "rate" if name in RATES else "crypto" if name in CRYPTOS else "etf"
        text += (
            f'[[instrument]]\nid = {number}\nsymbol = "{symbol_of(name)}"\nclass = "{kind}"\n'
            f'source = "alpaca"\ncalendar = "{calendar_of(name)}"\n'
            "has_official_close = false\n"
        )
    file = folder / "universe.toml"
    file.write_text(f'{text}[[pair]]\nnumerator = "SMALL_csv"\nbenchmark = "BIG_csv"\n')
    return file


class Filled(NamedTuple):
    """What the commands said and what stands in the topic.

    Args:
        told: File → findings.
        bars: Symbol → its bars.
    """

    told: Mapping[str, list[str]]
    bars: Mapping[str, NDArray[np.void]]


@pytest.fixture(scope="module")
def filled(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    reset_topics(kafka)
    path = universe(tmp_path_factory.mktemp("universe"))
    reach = ("--bootstrap-servers", kafka.bootstrap_servers, "--partitions", str(TEST_PARTITIONS))
    named = {
        name: f"{symbol_of(name)}={file_of(name)}"
        for name in (*WORKS, *CRYPTOS, *TOKYOS, "BIG.csv", "BIG_0712.csv")
    }
    named |= {name: f"{symbol_of(name)}={file_of(name)}:{column}" for name, column in RATES.items()}
    told: dict[str, list[str]] = {}
    for form in ("csv", "parquet"):
        flags = [text for name, text in named.items() if form_of(name) == form]
        answer = command("backfill", form, *flags, "--universe", str(path), *reach)
        assert answer.code == 0, answer.err
        told |= findings(answer)
    logged = np.concatenate([decode_frame(record.value, BAR)[1] for record in read(kafka, [DAY_BARS])])
    numbers = {symbol_of(name): number for number, name in enumerate(_names(), start=1)}
    bars = {symbol: logged[logged["instrument_id"] == number] for symbol, number in numbers.items()}
    return Filled(told, bars)


def _names() -> list[str]:
    return ["BIG.csv", "BIG_0712.csv", *WORKS, *RATES, *CRYPTOS, *TOKYOS, *REFUSED]


def close(filled: Filled, name: str, day: date) -> float:
    """A close in the topic."""
    bars = filled.bars[symbol_of(name)]
    (bar,) = bars[bars["session"] == session_day(day)]
    return float(bar["close"]) / 1e9


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One definition, because a whole catalogue takes longer to set up than a file to read."""
    file = tmp_path_factory.mktemp("signals") / "catalogue.toml"
    file.write_text(DEFINITION)
    return str(file)


def values(signals: str, name: str, benchmark: str, day: date, *options: str) -> Answer:
    words = ("values", "--pair", "A/B", "--date", str(day), "--format", "json", "--catalogue", signals)
    return study(*words, *options, bars={"A": file_of(name), "B": file_of(benchmark)})


@pytest.mark.parametrize("name", WORKS)
def test_a_file_that_works_gives_one_value_in_both(name: str, filled: Filled, signals: str) -> None:
    works = WORKS[name]
    answer = values(signals, name, works.benchmark, DAY)
    assert answer.code == 0, answer.err
    known = json.loads(answer.out)["values"]
    assert known["ratio"] == pytest.approx(works.ratio, rel=1e-9)
    if works.ratio in (PLAIN, SPLIT):  # of another day it would be -0.700
        assert known["relative_1d_pp"] == pytest.approx(0.164, abs=5e-4)
    now, then = (close(filled, name, day) / close(filled, works.benchmark, day) for day in JULY_11)
    assert now == pytest.approx(known["ratio"], rel=1e-9)
    moves = [close(filled, each, DAY) / close(filled, each, BEFORE) for each in (name, works.benchmark)]
    assert 100 * (moves[0] - moves[1]) == pytest.approx(known["relative_1d_pp"], abs=1e-8)
    assert now != then or works.ratio == 1.0
    told = findings(answer).get(name, [])
    assert told == [each.replace(f"{symbol_of(name)}:", "A:") for each in filled.told.get(name, [])]
    assert any(works.finding in each for each in told) if works.finding else told == []


@pytest.mark.parametrize("name", ["tk_n225.csv", "tk_n225.parquet"])
def test_tokyo_counts_its_own_days(name: str, filled: Filled, signals: str) -> None:
    answer = values(signals, name, "tk_topix.csv", DAY, "--calendar", "XTKS")
    ratio = json.loads(answer.out)["values"]["ratio"]
    assert ratio == pytest.approx(TOKYO, abs=5e-4)
    assert close(filled, name, DAY) / close(filled, "tk_topix.csv", DAY) == pytest.approx(ratio, rel=1e-9)
    assert session_day(date(2024, 7, 15)) not in filled.bars[symbol_of(name)]["session"]  # Marine Day
    assert findings(answer).get(name, []) == [
        each.replace(f"{symbol_of(name)}:", "A:") for each in filled.told.get(name, [])
    ]


def test_one_moment_in_two_zones_is_one_day(filled: Filled, signals: str) -> None:
    day = date(2024, 7, 12)
    answer = values(signals, "eth_ny.csv", "btc_utc.csv", day, "--calendar", "24/7")
    ratio = json.loads(answer.out)["values"]["ratio"]
    assert ratio == pytest.approx(CRYPTO, rel=1e-4)
    for name in ("btc_yahoo.csv", "btc_utc.csv"):
        assert close(filled, "eth_ny.csv", day) / close(filled, name, day) == pytest.approx(ratio, rel=1e-9)


@pytest.mark.parametrize("name", RATES)
def test_a_rate_is_read_by_its_column_and_has_no_value_on_a_holiday(
    name: str, filled: Filled, signals: str
) -> None:
    rate = f"DGS10={file_of(name)}:{RATES[name]}"
    answer = values(signals, "SMALL.csv", "BIG.csv", DAY, "--series", rate)
    assert answer.code == 0, answer.err
    assert close(filled, name, DAY) == 4.48
    assert session_day(date(2024, 6, 19)) not in filled.bars[symbol_of(name)]["session"]
    assert findings(answer).get(name, []) == filled.told.get(name, [])


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_used_is_refused_by_both(name: str, tmp_path: Path, signals: str) -> None:
    flags = ("--universe", str(universe(tmp_path)), "--bootstrap-servers", "127.0.0.1:1")
    for answer in (
        values(signals, name, "BIG.csv", DAY),
        command("backfill", "csv", f"{symbol_of(name)}={file_of(name)}", *flags),
    ):
        assert (answer.code, answer.out) == (2, "")
        (line,) = answer.err.splitlines()
        assert len(line) <= LONGEST
        assert REFUSED[name] in line
        assert f"({name})" in line


def test_what_is_unknown_stands_so_in_the_bars(filled: Filled) -> None:
    last = session_day(date(2024, 7, 16))
    bars = {name: filled.bars[symbol_of(name)] for name in ("open_above_high.csv", "bigvol.csv", "SMALL.csv")}
    opens = {name: int(each["open"][each["session"] == last][0]) for name, each in bars.items()}
    assert opens["open_above_high.csv"] == 0
    assert opens["SMALL.csv"] == 2_210_820_000_000
    assert (bars["bigvol.csv"]["flags"] & int(BarFlag.NO_VOLUME) != 0).all()
    assert (bars["SMALL.csv"]["flags"] & int(BarFlag.NO_VOLUME) == 0).all()


def test_no_event_opens_on_a_mistake_until_somebody_confirms_it(tmp_path: Path) -> None:
    """The same files, told that the days are real: then the move is news as any other."""
    rule = (
        '[[definition]]\nid = "moved"\nfamily = "level"\npairs = ["A/B"]\n'
        'enter = ["return_1d_pct >= 5 or return_1d_pct <= -5"]\n'
    )
    file = tmp_path / "catalogue.toml"
    file.write_text(rule)
    words = ("events", "--pair", "A/B", "--format", "jsonl", "--state", "opened", "--catalogue", str(file))
    for name, days in (("cents100.csv", ("2024-06-25", "2024-06-26")), ("split_unadj.csv", ("2024-06-25",))):
        bars = {"A": file_of(name), "B": file_of("BIG.csv")}
        careful = study(*words, bars=bars)
        assert (careful.code, careful.out) == (0, ""), careful.err
        accepted = [word for day in days for word in ("--accept-jump", f"A:{day}")]
        confirmed = study(*words, *accepted, bars=bars)
        assert confirmed.code == 0, confirmed.err
        assert findings(confirmed) == {}
        assert {line["event_time"] for line in confirmed.lines} >= {"2024-06-25"}
