"""Dated events: windows, rules, half days, and a file that says what is wrong with it."""

from __future__ import annotations

from datetime import date
from importlib import resources

import pytest

from core.model.dated_events import nth_weekday, parse_dated_events
from core.model.errors import ConfigurationError
from core.model.sessions import Calendar, build_calendar, day_to_date, session_day

TEXT = resources.files("core").joinpath("data/calendar_events.toml").read_text(encoding="utf-8")
KIND = '[[kind]]\nid = "fair"\nbefore = 1\nafter = 1\n'
EVENT = '[[event]]\nkind = "fair"\ndates = [2024-07-11]\nstatus = "confirmed"\nsource = "me"\n'


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return build_calendar("XNYS", date(1990, 1, 2), date(2027, 12, 31))


def tagged(text: str, calendar: Calendar, tag: str) -> list[str]:
    """Dates of the sessions that carry a tag."""
    events = parse_dated_events(text, calendar)
    return [str(day_to_date(session)) for session in sorted(events.by_session) if tag in events.tags(session)]


def test_only_what_decides_the_tags_is_digested(calendar: Calendar) -> None:
    digest = parse_dated_events(KIND + EVENT, calendar).digest
    same = [
        "# a remark\n" + KIND + EVENT.replace('"me"', '"you"') + 'note = "seen"\n',
        KIND + EVENT + EVENT,
        KIND + EVENT + EVENT.replace("2024-07-11", "2024-07-12").replace("confirmed", "superseded"),
    ]
    assert {parse_dated_events(text, calendar).digest for text in same} == {digest}
    others = [KIND, KIND + EVENT.replace("07-11", "07-12"), KIND.replace("before = 1", "before = 0") + EVENT]
    assert digest not in {parse_dated_events(text, calendar).digest for text in others}


def test_the_days_of_july_2024_carry_what_fell_into_them(calendar: Calendar) -> None:
    events = parse_dated_events(TEXT, calendar)
    days = {
        day: events.tags(session_day(date(2024, 7, day))) for day in (1, 2, 3, 9, 10, 11, 12, 15, 16, 30, 31)
    }
    assert days == {
        1: ("russell_reconstitution",),
        2: (),
        3: ("half_day",),
        9: (),
        10: ("cpi",),
        11: ("cpi", "ppi"),
        12: ("cpi", "ppi"),
        15: ("ppi",),
        16: (),
        30: ("fomc",),
        31: ("fomc",),
    }


def test_every_reconstitution_since_1990_has_its_friday_by_entry_or_by_rule(calendar: Calendar) -> None:
    """The older form of the rule: the last Friday of June, a week earlier on the 29th or 30th."""
    alone = TEXT.replace("before = 1\nafter = 1\nscheduled = true\nrule", "before = 0\nafter = 0\nrule")
    found = set(tagged(alone, calendar, "russell_reconstitution"))
    for year in range(1990, 2028):
        last = max(day for day in (date(year, 6, d) for d in range(24, 31)) if day.weekday() == 4)
        expected = last if last.day < 29 else date(year, 6, last.day - 7)
        assert str(expected) in found
    assert len(found) == 38
    assert "2026-11-13" not in found


def test_what_nobody_knew_before_tags_no_earlier_session(calendar: Calendar) -> None:
    found = tagged(TEXT, calendar, "unscheduled_close")
    assert "2001-09-10" not in found
    assert "2001-09-17" in found
    assert "2018-12-04" not in found
    assert "2018-12-06" in found


def test_half_days_are_the_calendars(calendar: Calendar) -> None:
    found = tagged(TEXT, calendar, "half_day")
    assert "2023-07-03" in found
    assert "2023-11-24" in found
    assert "2023-11-22" not in found
    assert len(found) == int(calendar.early_close.sum())


def test_a_date_on_a_holiday_by_rule_is_kept_the_session_before(calendar: Calendar) -> None:
    rule = '[[kind]]\nid = "x"\nbefore = 0\nafter = 0\nscheduled = true\n'
    rule += 'rule = { month = 11, weekday = "thursday", nth = 4, first_year = 2024 }\n'
    assert tagged(rule, calendar, "x") == ["2024-11-27", "2025-11-26", "2026-11-25", "2027-11-24"]


def test_a_window_counts_sessions_and_ends_with_the_calendar(calendar: Calendar) -> None:
    assert tagged(KIND + EVENT, calendar, "fair") == ["2024-07-10", "2024-07-11", "2024-07-12"]
    short = build_calendar("XNYS", date(2024, 7, 11), date(2024, 7, 11))
    assert tagged(KIND + EVENT, short, "fair") == ["2024-07-11"]
    before = build_calendar("XNYS", date(2024, 7, 1), date(2024, 7, 9))
    assert tagged(KIND + EVENT, before, "fair") == []


def test_a_superseded_date_is_kept_and_not_used(calendar: Calendar) -> None:
    assert tagged(KIND + EVENT.replace("confirmed", "superseded"), calendar, "fair") == []


@pytest.mark.parametrize("year", [1989, 2024, 2099])
def test_an_nth_weekday_is_one(year: int) -> None:
    for nth in range(1, 5):
        day = nth_weekday(year, 6, 4, nth)
        assert day.weekday() == 4
        assert (day.day - 1) // 7 == nth - 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[kind]", "dated events: not valid TOML"),
        ("[[kinds]]\nid = 'x'", "unknown section 'kinds'; did you mean 'kind'?"),
        (KIND + "scheduld = true", "unknown key 'scheduld'"),
        (KIND + "scheduled = 1", "scheduled: must be true or false, not 1"),
        (KIND.replace("= 1", "= 11", 1), "before: must be at most 10, not 11"),
        (KIND.replace('"fair"', '"a fair"'), "id: must be an identifier, not 'a fair'"),
        (KIND + "rule = { month = 6 }", "kind 'fair' (number 1), rule: 'weekday' is missing"),
        (
            KIND + 'rule = {month=6, weekday="fryday", nth=4, first_year=1}',
            "'fryday'; did you mean 'friday'?",
        ),
        (
            KIND + 'rule = {month=13, weekday="friday", nth=4, first_year=1}',
            "month: must be at most 12",
        ),
        (KIND + KIND, "kind: duplicate id 'fair'"),
        (KIND + EVENT.replace('"fair"', '"fare"'), "unknown kind 'fare'; did you mean 'fair'?"),
        (KIND + EVENT.replace("confirmed", "confirm"), "not 'confirm'; did you mean 'confirmed'?"),
        (KIND + EVENT.replace('"me"', '" "'), "source: must not be empty"),
        (KIND + EVENT.replace("[2024-07-11]", "[]"), "dates: must have at least 1 entry"),
        (
            KIND + EVENT.replace("[2024-07-11]", '["2024-07-11"]'),
            "dates.0: must be a date",
        ),
    ],
)
def test_a_mistake_is_named(text: str, message: str, calendar: Calendar) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_dated_events(text, calendar)
    assert message in str(refused.value)
    assert "its head documents" in str(refused.value)
