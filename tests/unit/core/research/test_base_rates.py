"""Base rates against the long way, their small-sample rules, and cutting the history."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from core.events.cards import RateCards
from core.model.errors import InputError
from core.model.sessions import Calendar, build_calendar
from core.research.base_rate_cards import make_cards, quarter_ends
from core.research.base_rate_rows import BaseRate, card
from core.research.base_rates import BaseRates, Cases, PairOutcomes
from core.research.bootstrap import resample_counts
from core.research.forward_returns import HORIZONS_SESSIONS, apart, forward_returns
from core.research.intervals import wilson
from core.research.resampled import against_chance
from core.research.study_rates import cards_as_asked

RESAMPLES = 99


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return build_calendar("XNYS", date(2020, 1, 2), date(2023, 12, 29))


@pytest.fixture(scope="module")
def closes(calendar: Calendar) -> NDArray[np.float64]:
    random = np.random.default_rng(4)
    prices: NDArray[np.float64] = 100 * np.exp(random.normal(0, 0.01, (2, len(calendar))).cumsum(axis=1))
    return prices


def rates_of(
    calendar: Calendar, closes: np.ndarray, cases: dict[str, list[int]], length: int | None = None
) -> BaseRates:
    """Base rates of one pair over the first sessions; cases are rows of the calendar."""
    stop = length or len(calendar)
    sessions = calendar.session[:stop]
    outcomes = forward_returns(sessions, closes[0, :stop], closes[1, :stop])
    return BaseRates(
        [PairOutcomes("A/B", outcomes, calendar)],
        [
            Cases(name, "v1", "A/B", sessions[[row for row in rows if row < stop]].astype(np.int64))
            for name, rows in cases.items()
        ],
        resamples=RESAMPLES,
        seed=9,
    )


def table_at(rates: BaseRates, session: int) -> dict[tuple[str, int], BaseRate]:
    (table,) = rates.tables([session])
    return {(row.definition, row.horizon_sessions): row for row in table}


def test_every_figure_is_what_the_long_way_gives(calendar: Calendar, closes: np.ndarray) -> None:
    rows = sorted(np.random.default_rng(8).choice(len(calendar) - 80, 70, replace=False).tolist())
    cut = 900
    table = table_at(rates_of(calendar, closes, {"some": rows}), int(calendar.session[cut]))
    counts = resample_counts(len(calendar), seed=9, resamples=RESAMPLES)
    for horizon in HORIZONS_SESSIONS:
        row = table["some", horizon]

        def spread(entry: int, horizon: int = horizon) -> float:
            legs = 100 * (closes[:, entry + 1 + horizon] / closes[:, entry + 1] - 1)
            return float(legs[0] - legs[1])

        kept = [one for one in apart(np.array(rows), horizon).tolist() if one + 1 + horizon <= cut]
        every = list(range(cut - horizon))
        spreads, all_spreads = [spread(one) for one in kept], [spread(one) for one in every]
        assert row.n == sum(one + 1 + horizon <= cut for one in rows)
        assert row.n_declustered == len(kept)
        assert row.hits == sum(one > 0 for one in spreads)
        assert row.hit_rate == pytest.approx(row.hits / len(kept), abs=1e-4)
        assert row.hit_rate_interval == pytest.approx(wilson(row.hits, len(kept)), abs=1e-4)
        assert row.mean_spread_pp == pytest.approx(np.mean(spreads), abs=1e-4)
        assert row.all_days_mean_spread_pp == pytest.approx(np.mean(all_spreads), abs=1e-4)
        assert row.difference_pp == pytest.approx(np.mean(spreads) - np.mean(all_spreads), abs=2e-4)
        resampled = [
            np.average(spreads, weights=counts[kept, r]) - np.average(all_spreads, weights=counts[every, r])
            for r in range(RESAMPLES)
        ]
        assert row.difference_interval_pp == pytest.approx(np.quantile(resampled, [0.025, 0.975]), abs=2e-4)
        assert row.difference_pp is not None
        beyond = np.sum(np.abs(np.array(resampled) - row.difference_pp) >= abs(row.difference_pp))
        assert row.p_value == pytest.approx((1 + beyond) / (1 + RESAMPLES), abs=1.1 / RESAMPLES)
        assert row.family_size == len(HORIZONS_SESSIONS)


def test_a_cut_history_gives_the_same_table_as_of_an_earlier_day(
    calendar: Calendar, closes: np.ndarray
) -> None:
    cases = {"often": list(range(3, 900, 7)), "late": [880, 890], "never": []}
    whole = rates_of(calendar, closes, cases)
    for length in (70, 300, 777):
        session = int(calendar.session[length - 1])
        assert table_at(rates_of(calendar, closes, cases, length), session) == table_at(whole, session)


def test_a_history_of_less_than_a_quarter_has_no_table(calendar: Calendar, closes: np.ndarray) -> None:
    """Guards against such a study ending with an error."""
    rates = rates_of(calendar, closes, {"often": [3, 9, 20]}, 30)
    asked = cards_as_asked(rates, calendar, int(calendar.session[29]))
    assert asked.find("often", "v1", "A/B", int(calendar.close_ns[-1])) is None


def test_few_cases_are_counted_and_not_measured(calendar: Calendar, closes: np.ndarray) -> None:
    end = int(calendar.session[-1])
    cases = {"none": [], "four": [0, 100, 200, 300], "nine": list(range(0, 720, 80))}
    table = table_at(rates_of(calendar, closes, cases), end)
    none, four, nine = (table[name, 60] for name in cases)
    assert (none.n, none.hit_rate_interval, none.wording) == (0, None, "no earlier case")
    assert four.hit_rate is None
    assert four.hit_rate_interval == pytest.approx(wilson(four.hits, 4), abs=1e-4)
    assert four.wording == f"numerator ahead in {four.hits} of 4"
    assert nine.hit_rate is not None
    assert nine.mean_spread_pp is nine.difference_pp is nine.q_value is None
    assert "%" in nine.wording
    assert "pp" not in nine.wording
    assert nine.reason == "too few cases (9)"


def test_an_interval_that_holds_zero_is_no_edge() -> None:
    figures = dict.fromkeys(
        ("mean_instrument_pct", "mean_benchmark_pct", "mean_spread_pp", "all_days_mean_spread_pp"), 0.0
    )
    row = BaseRate(
        "d", "v", "A/B", 20, 19_000, 12, 12, 10, 0.8333, (0.552, 0.953), **figures,
        difference_pp=1.5, difference_interval_pp=(-0.2, 3.0), p_value=0.1, q_value=0.4, family_size=8,
    )  # fmt: skip
    told = "numerator ahead in 10 of 12 (83 %, 95 % interval 55 to 95 %); "
    assert row.wording == told + "no measurable edge over all days"
    clear = replace(row, difference_interval_pp=(0.4, 3.0))
    assert clear.wording == told + "+1.50 pp against all days (+0.40 to +3.00)"


def test_a_card_is_found_by_what_it_is_for_and_never_before_its_time(
    calendar: Calendar, closes: np.ndarray
) -> None:
    rates = rates_of(calendar, closes, {"often": list(range(3, 900, 7))})
    cards = make_cards(rates.tables(quarter_ends(calendar, int(calendar.session[-1]))), calendar)
    next_open = date(2022, 7, 1)
    known_ns = int(calendar.open_ns[calendar.row_of((next_open - date(1970, 1, 1)).days)])
    assert cards.find("often", "v1", "A/B", known_ns - 1)["as_of"] == "2022-03-31"  # type: ignore[index]
    assert cards.find("often", "v1", "A/B", known_ns)["as_of"] == "2022-06-30"  # type: ignore[index]
    assert cards.find("often", "v2", "A/B", known_ns) is None
    assert cards.find("often", "v1", "B/A", known_ns) is None
    assert cards.find("often", "v1", "A/B", 0) is None
    asked = cards_as_asked(rates, calendar, int(calendar.session[-1]))
    for moment in (0, known_ns - 1, known_ns, int(calendar.close_ns[-1])):
        for key in (("often", "v1", "A/B"), ("often", "v2", "A/B")):
            assert asked.find(*key, moment) == cards.find(*key, moment)
    again = RateCards.parse(cards.encode())
    assert again == RateCards({key: own for key, own in cards.cards.items()})
    assert again.digest == cards.digest


def test_resamples_without_a_case_are_left_out_of_what_chance_gives() -> None:
    random = np.random.default_rng(5)
    resampled = random.normal(0.3, 1.0, (4, 101))
    for row, holes in enumerate((0, 7, 50, 51)):
        resampled[row, random.choice(101, holes, replace=False)] = np.nan
    differences = np.array([0.4, -1.0, 0.0, 0.4])
    bounds, p_values = against_chance(resampled, differences)
    for row in range(3):
        known = resampled[row][np.isfinite(resampled[row])]
        assert bounds[row].tolist() == np.quantile(known, [0.025, 0.975]).tolist()
        beyond = np.sum(np.abs(known - differences[row]) >= abs(differences[row]))
        assert p_values[row] == (1 + beyond) / (1 + len(known))
    assert np.isnan([*bounds[3], p_values[3]]).all(), "most resamples hold no case"


def test_a_card_leaves_out_what_may_not_be_said(calendar: Calendar, closes: np.ndarray) -> None:
    (table,) = rates_of(calendar, closes, {"few": [5, 300]}).tables([int(calendar.session[-1])])
    content = card(table)
    assert content["as_of"] == "2023-12-29"
    horizons = content["horizons"]
    assert isinstance(horizons, list)
    assert [entry["horizon_sessions"] for entry in horizons] == list(HORIZONS_SESSIONS)
    assert "hit_rate" not in horizons[0]
    assert horizons[0]["left_out_because"] == "too few cases (2)"


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format":"other/1","entries":[]}', b'{"format":1}', b"\xff"])
def test_a_file_that_holds_no_cards_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="base rates") as refused:
        RateCards.parse(data)
    assert "study base-rates --store" in str(refused.value)
