"""Nothing that was known by a day depends on what came after it, for every definition of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pytest

from core.definitions.catalogue import Catalogue, parse_catalogue
from core.indicators.base import DayStep
from core.indicators.zscore import ZScoreDays
from core.model.sessions import NANOSECONDS_PER_DAY, day_to_date
from core.research.base_rates import BaseRates, RateTables
from core.research.forward_returns import NEVER
from core.research.study import HistoryRun, StudySession
from tests.support.cut_history import Told, copies, differences, recorded, tell

pytestmark = [pytest.mark.integration, pytest.mark.compiled, pytest.mark.slow, pytest.mark.timeout(600)]

HISTORIES = {
    "IWM/SPY": ("IWM", "SPY", date(2022, 1, 3), date(2024, 7, 31)),
    "RUT/GSPC": ("RUT", "GSPC", date(2007, 6, 1), date(2009, 12, 31)),
}
SEEDED_DAYS = 200
COPIES = 16
over_histories = pytest.mark.parametrize("name", HISTORIES)


@cache
def catalogue() -> Catalogue:
    return parse_catalogue((resources.files("core") / "data" / "catalogue.toml").read_text(encoding="utf-8"))


@cache
def whole(name: str) -> Told:
    return tell(recorded(*HISTORIES[name]), catalogue())


def cut_days(told: Told) -> list[int]:
    """Seeded days, every event's day, and the days beside it."""
    sessions = told.history.calendar.session
    seeded = np.random.default_rng(20240711).choice(len(sessions), SEEDED_DAYS, replace=False)
    days = np.unique(
        [np.searchsorted(sessions, event.ts_event_ns // NANOSECONDS_PER_DAY) for event in told.events]
    )
    rows = np.unique(np.concatenate([seeded, *(days + shift for shift in (-1, 0, 1))]))
    return [int(one) for one in sessions[rows[(rows >= 0) & (rows < len(sessions))]]]


@over_histories
def test_a_cut_changes_nothing_that_was_known(name: str) -> None:
    told = whole(name)
    cuts = cut_days(told)
    assert len(cuts) >= SEEDED_DAYS
    found = {}
    for cut, part, same_values in copies(told.history, catalogue(), cuts):
        changed = differences(told, part, cut)
        if changed or not same_values:
            found[str(day_to_date(cut))] = changed or ["values"]
    assert found == {}


def test_most_definitions_were_on_trial() -> None:
    """They have opened in these years, so that the test above has something to hold on to."""
    daily = {each.definition_id for each in catalogue().definitions if each.frequency.label == "1d"}
    opened = {event.definition for name in HISTORIES for event in whole(name).events}
    assert opened <= daily
    assert 2 * len(opened) > len(daily), sorted(daily - opened)


@over_histories
def test_files_that_end_earlier_give_the_same(name: str) -> None:
    """Runs by themselves, with everything cut, calendar and rates included."""
    told = whole(name)
    rows = np.random.default_rng(7).choice(np.arange(300, len(told.history.calendar)), 6, replace=False)
    for cut in told.history.calendar.session[np.sort(rows)].tolist():
        part = tell(told.history.until(cut), catalogue())
        assert list(part.values) == [day for day in told.values if day <= cut]
        assert differences(told, part, cut) == []


# --- what peeks is caught -----------------------------------------------------------------------------------


def supplied_to_families(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Give planted indicators what indicators never get: the files a run was given."""
    given: dict[str, Any] = {}
    original = HistoryRun.__init__

    def keep(self: HistoryRun, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        given["frames"] = arguments[3]
        given["pairs"] = self.engine.evaluator.world.pairs

    monkeypatch.setattr(HistoryRun, "__init__", keep)
    return given


def plant_indicator(monkeypatch: pytest.MonkeyPatch, change: Callable[[np.ndarray, int], float]) -> None:
    """Let the z-score of every pair be changed by something read from its numerator's file."""
    given = supplied_to_families(monkeypatch)
    original = ZScoreDays.evaluate

    def peek(self: ZScoreDays, step: DayStep, *, commit: bool) -> None:
        original(self, step, commit=commit)
        for row in step.rows:
            frame = given["frames"][given["pairs"][row].numerator]
            closes = frame["close"].to_numpy()
            now = int(np.searchsorted(frame["date"].cast(int).to_numpy(), step.session))
            self.values[0, row] += change(closes, now)

    monkeypatch.setattr(ZScoreDays, "evaluate", peek)


def plant_tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """An indicator shifted by a session the wrong way."""
    plant_indicator(
        monkeypatch, lambda closes, now: float(100 * np.log(closes[now + 1 :][:1] / closes[now]).sum())
    )


def plant_whole_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """An indicator scaled by a mean over all of history, the part to come included."""
    plant_indicator(monkeypatch, lambda closes, _: -float(np.diff(np.log(closes)).mean()))


def plant_backdated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events found five sessions late, dated as if they had been known at once."""
    original = HistoryRun.sessions

    def late(self: HistoryRun) -> Iterator[StudySession]:
        waiting: list[list[Any]] = [[] for _ in range(5)]
        for done in original(self):
            waiting.append(done.events)
            yield StudySession(done.session, waiting.pop(0))

    monkeypatch.setattr(HistoryRun, "sessions", late)


def plant_open_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Base rates that count every outcome of the history, whenever they are for."""
    original = BaseRates.columns

    def all_of_them(self: BaseRates, cuts: Sequence[int]) -> RateTables:
        tables = original(self, [NEVER - 1] * len(cuts))
        tables.cuts[:] = cuts
        return tables

    monkeypatch.setattr(BaseRates, "columns", all_of_them)


def caught(cuts_alone: int = 4) -> tuple[int, int]:
    """Number of cuts that tell the difference, side by side and each by itself."""
    history = recorded("IWM", "SPY", date(2023, 1, 3), date(2024, 7, 31))
    told = tell(history, catalogue())
    events = sorted({event.ts_event_ns // NANOSECONDS_PER_DAY for event in told.events})
    cuts = [day for day in events if day > history.calendar.session[100]][:COPIES]
    together = sum(
        bool(differences(told, part, cut)) or not same
        for cut, part, same in copies(history, catalogue(), cuts)
    )
    alone = sum(
        bool(differences(told, tell(history.until(cut), catalogue()), cut)) for cut in cuts[-cuts_alone:]
    )
    return together, alone


@pytest.mark.parametrize("plant", [plant_tomorrow, plant_whole_history, plant_backdated, plant_open_outcomes])
def test_a_detector_that_peeks_ahead_is_caught(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    together, alone = caught()
    assert together > COPIES / 2
    assert alone > 0


def test_nothing_is_caught_where_nothing_peeks() -> None:
    assert caught() == (0, 0)
