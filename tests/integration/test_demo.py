"""`rotascope demo` on the embedded broker, as a user runs it: the story it tells, and how it ends."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import polars as pl
import pytest

from producers.replay.demo import demo_daily
from tests.support.demo_run import (
    DEADLINE_S,
    DemoRun,
    children_of,
    require_gone,
    run_demo,
    wait_for_values,
)
from tests.support.program import StartedProgram
from tests.support.shared_data import shared_data

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

DAY = "2024-07-11"
OPPOSITE = ("opposite_day_up", "RUT/SPX")


@pytest.fixture(scope="module")
def first_run() -> DemoRun:
    return run_demo()


def test_the_opposite_move_builds_up_during_the_day_and_opens_at_the_close(first_run: DemoRun) -> None:
    candidate, opened = first_run.of(*OPPOSITE)
    assert (candidate["state"], candidate["previous_state"]) == ("candidate", "idle")
    # First true within the bar of 14:30, known at a minute's end.
    assert f"{DAY}T14:30:00Z" < candidate["event_time"] <= f"{DAY}T14:35:00Z"
    assert (opened["state"], opened["event_time"]) == ("opened", DAY)
    assert f"{opened['legs']['numerator']['return_pct']:+.2f}" == "+3.57"
    assert f"{opened['legs']['benchmark']['return_pct']:+.2f}" == "-0.88"
    assert opened["first_since"]["last_true"] == "2008-10-10"
    assert opened["first_since"]["history_start"] == "1990-01-02"
    assert opened["threshold"] == {"instrument_return_pct": 3.0}
    assert opened["quality"] == "ok"
    assert opened["summary"] == (
        "Small caps rose 3.57 % while large caps fell 0.88 %: first since 2008-10-10, 2 times since 1990"
    )
    assert candidate["summary"].startswith(
        "so far today: Small caps rose 3.10 % while large caps fell 0.21 %: "
    )
    assert opened["openings_per_year"] == pytest.approx(1 / 34.52, rel=1e-3)


def test_the_summary_leads_with_the_three_rarest_openings(first_run: DemoRun) -> None:
    rates = [event["openings_per_year"] for event in first_run.events if event["state"] == "opened"]
    rarest = [entry["openings_per_year"] for entry in first_run.summary["rarest"]]
    assert rarest == sorted(rate for rate in rates if rate is not None)[:3]


def test_no_other_day_opens_it(first_run: DemoRun) -> None:
    opened = first_run.summary["opened"]["opposite_day_up"]
    assert [entry["event_time"] for entry in opened if entry["pair"] == "RUT/SPX"] == [DAY]


def test_every_event_is_told_once_and_the_figures_add_up(first_run: DemoRun) -> None:
    events, summary = first_run.events, first_run.summary
    ids = [event["id"] for event in events]
    assert len(set(ids)) == len(ids) == summary["transitions"]
    assert summary["trades"] == 26_371
    assert summary["partitions"] == 4
    # Each trade at least once; copies of the benchmark tape, marks and history besides.
    assert summary["ticks"] > summary["trades"]
    assert 0 < summary["frames"] < summary["ticks"]
    assert {entry["pair"] for entries in summary["opened"].values() for entry in entries} <= {
        event["pair"] for event in events
    }


def test_more_than_nine_in_ten_events_say_how_rare_they_are_and_what_followed(first_run: DemoRun) -> None:
    summary, total = first_run.summary, len(first_run.events)
    with_both = [event for event in first_run.events if event["base_rate"] and event["rarity"]]
    print(f"{len(with_both)} of {total} events carry base rates and rarity")
    assert len(with_both) > 0.9 * total
    assert summary["transitions_with_base_rate"] >= len(with_both)
    assert summary["transitions_with_rarity"] >= len(with_both)
    assert len({event["provenance"]["base_rates"] for event in first_run.events}) == 1


def test_transitions_of_an_episode_follow_each_other(first_run: DemoRun) -> None:
    episodes: dict[tuple[str, str, int], list[dict[str, object]]] = {}
    for event in sorted(first_run.events, key=lambda each: each["transition"]):
        episodes.setdefault((event["definition"], event["pair"], event["episode"]), []).append(event)
    followed = 0
    for transitions in episodes.values():
        first = transitions[0]
        standing = first["previous_state"] if first["state"] == "extended" else first["state"]
        for later in transitions[1:]:
            assert later["previous_state"] == standing
            if later["state"] != "extended":  # It stays opened, or confirmed.
                standing = later["state"]
            followed += 1
    assert followed > 20


@pytest.fixture
def lowered_closes(tmp_path: Path) -> Path:
    """The shipped closes, RUT's of 2024-07-11 at +2.9 %."""
    daily = demo_daily()
    before = daily.filter((pl.col("symbol") == "RUT") & (pl.col("session") == date(2024, 7, 10)))
    lowered = pl.lit(round(before["close"][0] * 1.029, 2))
    the_day = (pl.col("symbol") == "RUT") & (pl.col("session") == date(2024, 7, 11))
    changed = daily.with_columns(pl.when(the_day).then(lowered).otherwise(pl.col("close")).alias("close"))
    assert int((changed["close"] != daily["close"]).sum()) == 1
    path = tmp_path / "closes.csv"
    changed.rename({"session": "date"}).write_csv(path)
    return path


def test_with_a_lower_close_nothing_opens_and_the_candidate_is_withdrawn(lowered_closes: Path) -> None:
    run = run_demo("--closes", str(lowered_closes))
    candidate, withdrawn = run.of(*OPPOSITE)
    assert f"{DAY}T14:30:00Z" < candidate["event_time"] <= f"{DAY}T14:35:00Z"
    assert (withdrawn["state"], withdrawn["event_time"]) == ("withdrawn", DAY)
    assert f"{withdrawn['values']['instrument_return_pct']:+.2f}" == "+2.90"
    assert "RUT/SPX" not in [entry["pair"] for entry in run.summary["opened"].get("opposite_day_up", [])]


# --- a scrape in the middle of it ---------------------------------------------------------------------------

WINDOW = "1d"
NAMES = {
    "strength": "rotascope_relative_strength_percent",
    "numerator": "rotascope_numerator_return_percent",
    "benchmark": "rotascope_benchmark_return_percent",
}


def prints(symbol: str) -> list[tuple[float, float]]:
    """Instant and price of every print, by the rule the replay states: open, nearer extreme, other, close."""
    found: list[tuple[float, float]] = []
    with shared_data("intraday/fixture_5m_2024-07-08_2024-07-17.csv").open() as file:
        for bar in csv.DictReader(file):
            if bar["symbol"] == symbol:
                start = datetime.fromisoformat(bar["date"]).timestamp()
                # Exact, or a tie between the extremes would be decided by the last bit.
                opened, high, low, close = (Decimal(bar[name]) for name in ("open", "high", "low", "close"))
                extremes = (low, high) if opened - low <= high - opened else (high, low)
                path = (opened, *extremes, close)
                found += zip((start, start + 100, start + 200, start + 299), map(float, path), strict=True)
    return sorted(found)


def closes(file: str) -> dict[str, float]:
    with shared_data(f"daily/{file}").open() as rows:
        return {row["date"][:10]: float(row["close"]) for row in csv.DictReader(rows) if row["close"]}


def scraped(url: str) -> dict[str, float] | None:
    """RUT/SPX over a day as a scrape shows it, with the event time it speaks of; None while it is unknown."""
    with urllib.request.urlopen(url, timeout=10) as page:  # noqa: S310 - our own http address
        text = page.read().decode()
    found = {
        name: re.search(rf'^{metric}{{[^}}]*pair="RUT/SPX",window="{WINDOW}"}} (\S+)$', text, re.MULTILINE)
        for name, metric in NAMES.items()
    }
    as_of = re.search(
        r'^rotascope_value_timestamp_seconds\{(?=[^}]*pair="RUT/SPX")(?=[^}]*frequency="1d")[^}]*\} (\S+)$',
        text,
        re.MULTILINE,
    )
    if as_of is None or not all(found.values()):
        return None
    return {"as_of": float(as_of[1]), **{name: float(match[1]) for name, match in found.items() if match}}


def scrapes(url: str, program: StartedProgram) -> Iterator[dict[str, float]]:
    """One scrape for each new event time, until the recording has been played."""
    last = 0.0
    while program.process.poll() is None:
        try:
            found = scraped(url)
        except OSError:
            return
        if found is not None and found["as_of"] != last:
            last = found["as_of"]
            yield found
        time.sleep(0.02)


def test_a_scrape_in_the_middle_equals_the_value_computed_by_hand(first_run: DemoRun) -> None:
    legs = [(prints("RUT"), closes("RUT.csv")), (prints("SPX"), closes("GSPC.csv"))]
    compared: set[str] = set()
    count = 0
    with StartedProgram("demo", "--format", "json", "--speed", "9000") as program:
        for found in scrapes(wait_for_values(program), program):
            instant = datetime.fromtimestamp(found["as_of"], UTC)
            session, clock = instant.date().isoformat(), instant.time().isoformat()
            if not "13:30:00" < clock < "20:00:00":
                continue  # at the close and after it the official close counts, no print
            returns = []
            for path, daily in legs:
                price = [price for at, price in path if at < found["as_of"]][-1]
                before = daily[max(day for day in daily if day < session)]
                returns.append(price / before - 1)
            rut, spx = returns
            assert found["strength"] == pytest.approx(100 * ((1 + rut) / (1 + spx) - 1), rel=1e-9, abs=1e-10)
            assert found["numerator"] == pytest.approx(100 * rut, rel=1e-9, abs=1e-10)
            assert found["benchmark"] == pytest.approx(100 * spx, rel=1e-9, abs=1e-10)
            compared.add(session)
            count += 1
        assert program.wait(DEADLINE_S) == 0, program.errors
    again = DemoRun([json.loads(line) for line in program.output])
    assert again.events == first_run.events, "another run, at another pace, tells the same"
    print(f"{count} scrapes compared, on {len(compared)} days")
    assert count >= 20
    assert len(compared) >= 3


# --- how it ends --------------------------------------------------------------------------------------------


def test_sigterm_ends_all_programs() -> None:
    with StartedProgram("demo", "--speed", "1000") as program:
        wait_for_values(program)
        started = children_of(program)
        assert {"consume", "produce", "replay"} <= set(started)
        program.terminate()
        assert program.wait(DEADLINE_S) == 143
    require_gone(list(started.values()))
    assert program.errors == []


def test_a_program_that_dies_ends_the_demo_with_the_end_of_its_log() -> None:
    with StartedProgram("demo", "--speed", "1000") as program:
        wait_for_values(program)
        started = children_of(program)
        os.kill(started["consume"], signal.SIGKILL)
        assert program.wait(DEADLINE_S) == 1
    require_gone(list(started.values()))
    errors = "".join(program.errors)
    assert "error: the worker ended with exit code -9; the end of its log:" in errors
    assert '"event": "partition opened"' in errors
    assert errors.splitlines()[-1].startswith("Operator action: ")
    assert "Traceback" not in errors


def test_closes_that_cannot_be_used_end_it_at_once(tmp_path: Path) -> None:
    file = tmp_path / "closes.csv"
    file.write_text("symbol,date,close\nRUT,2024-07-11,-1\n")
    with StartedProgram("demo", "--closes", str(file)) as program:
        assert program.wait(DEADLINE_S) == 2
    assert "closes.csv, line 2: a close that is not above 0" in "".join(program.errors)


def test_kept_up_it_can_be_looked_at_and_ctrl_c_goes_on_to_the_summary(first_run: DemoRun) -> None:
    with StartedProgram("demo", "--keep-seconds", "600") as program:
        url = wait_for_values(program)
        line = program.said("kept running for", DEADLINE_S)
        command = line[line.index("rotascope events tail") :].split()[1:]
        with StartedProgram(*command, "--until-end", "--format", "json") as tail:
            assert tail.wait(DEADLINE_S) == 0, tail.errors
        assert scraped(url) is not None
        started = children_of(program)
        program.process.send_signal(signal.SIGINT)
        assert program.wait(DEADLINE_S) == 0, program.errors
    require_gone(list(started.values()))

    told = sorted((msgspec.json.decode(line) for line in tail.output), key=lambda event: event["ce_id"])
    expected = [
        {key: value for key, value in event.items() if key != "id"} | {"ce_id": event["id"]}
        for event in sorted(first_run.events, key=lambda event: event["id"])
    ]
    assert told == expected

    lines = [" ".join(line.split()) for line in program.output]
    for event in first_run.events:
        words = f"{event['event_time']} {event['definition']} {event['pair']} {event['state']} "
        assert sum(line.startswith(words) for line in lines) == 1
    text = "\n".join(lines)
    moved, happened = "RUT +3.57 %, SPX -0.88 %", "Small caps rose 3.57 % while large caps fell 0.88 %"
    what = f"{moved}; {happened}: first since 2008-10-10"
    assert f"{DAY} opposite_day_up RUT/SPX opened {what}" in " ".join(lines)
    summary = text[text.index("Summary") :]
    assert f"{DAY} RUT/SPX {what}" in summary
    assert "candidate at 14:3" in summary
    assert f"metrics at {url}" in summary
