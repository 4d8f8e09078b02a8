"""core.model.calendar_overrides: unscheduled closes, and tables that cannot be used."""

from datetime import date
from importlib import resources

import pytest

from core.model.calendar import Calendar, day_to_date
from core.model.errors import ConfigurationError
from core.model.sessions import build_calendar
from tests.support.new_york import new_york, row, xnys_since_1990

OVERRIDES = resources.files("core").joinpath("data/calendar_overrides.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def xnys() -> Calendar:
    return xnys_since_1990()


def overridden(text: str) -> Calendar:
    return build_calendar("XNYS", date(2026, 7, 1), date(2026, 7, 10), overrides=text)


def test_an_unscheduled_close_takes_a_session_out() -> None:
    closed = overridden('[[closed]]\ncalendar = "XNYS"\nsession = 2026-07-08\nreason = "storm"\n')
    assert date(2026, 7, 8) not in [day_to_date(session) for session in closed.session]
    assert len(closed) == len(overridden(OVERRIDES)) - 1
    assert len(closed.open_ns) == len(closed.close_ns) == len(closed.early_close) == len(closed)


def test_an_unscheduled_early_close_is_in_the_exchanges_time() -> None:
    half = overridden('[[early_close]]\ncalendar = "XNYS"\nsession = 2026-07-08\nclose = 12:00:00\n')
    at = row(half, date(2026, 7, 8))
    assert half.close_ns[at] == new_york(date(2026, 7, 8), 12)
    assert half.early_close.tolist().count(True) == 1


def test_the_shipped_overrides_agree_with_the_library(xnys: Calendar) -> None:
    with_overrides = build_calendar("XNYS", date(1990, 1, 1), date(2027, 12, 31), overrides=OVERRIDES)
    assert with_overrides.session.tolist() == xnys.session.tolist()
    assert with_overrides.close_ns.tolist() == xnys.close_ns.tolist()


def test_overrides_of_another_calendar_are_passed_over() -> None:
    text = '[[closed]]\ncalendar = "XLON"\nsession = 2026-07-08\n'
    text += '[[early_close]]\ncalendar = "XLON"\nsession = 2026-07-08\nclose = 12:00:00\n'
    assert overridden(text).close_ns.tolist() == overridden("").close_ns.tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[closed]", "calendar overrides: not valid TOML"),
        ('[[closd]]\ncalendar = "XNYS"', "unknown section 'closd'; did you mean 'closed'"),
        ("[[closed]]\nsession = 2026-07-08", r"closed \(number 1\): 'calendar' is missing"),
        ('[[closed]]\ncalendar = "XNYS"', "'session' is missing"),
        ('[[closed]]\ncalendar = "XNYS"\nsession = 2026-07-08T00:00:00Z', "session: must be a date such as"),
        ('[[early_close]]\ncalendar = "XNYS"\nsession = 2026-07-08', "'close' is missing"),
        (
            '[[early_close]]\ncalendar = "XNYS"\nsession = 2026-07-08\nclose = 13:00:30',
            r"early_close \(number 1\), close: must be a whole minute .*, not 13:00:30",
        ),
        ('[[closed]]\ncalendar = "XNYS"\nsesion = 2026-07-08', "'session' is missing; did you mean 'sesion'"),
        (
            '[[closed]]\ncalendar = "XNYC"\nsession = 2026-07-08',
            "'XNYC'; did you mean 'XNYS'",
        ),
        (
            '[[early_close]]\ncalendar = "XNYS"\nsession = 2026-07-08\nclose = 09:00:00',
            "a close of XNYS is before its open",
        ),
    ],
)
def test_overrides_that_cannot_be_used_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        overridden(text)
