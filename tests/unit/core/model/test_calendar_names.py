"""core.model.calendar_names: an unknown name is answered with the nearest known one."""

import pytest

from core.model.calendar_names import unknown_calendar


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("XNYS", None),
        ("24/7", None),
        ("XTKS", None),
        ("XNYC", "; did you mean 'XNYS'?"),
        ("XTKY", "; did you mean 'XTKS'"),
        ("NYSE", " (another name of 'XNYS')"),
        ("tomorrow", "; known: 24/7, XNYS"),
    ],
)
def test_a_calendar_is_named_as_its_library_names_it(name: str, hint: str | None) -> None:
    found = unknown_calendar(name)
    assert found == hint if hint is None else str(found).startswith(hint)
