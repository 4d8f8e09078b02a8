"""core.model.suggestions: hints behind error messages."""

import pytest

from core.model.suggestions import nearest

NAMES = ("bootstrap_servers", "partitions", "poll_timeout_ms")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("bootstrap_server", "; did you mean 'bootstrap_servers'?"),
        ("partition", "; did you mean 'partitions'?"),
        ("zzz", ""),
    ],
)
def test_near_names_are_named(name: str, hint: str) -> None:
    assert nearest(name, NAMES) == hint


def test_two_near_names_are_both_named() -> None:
    assert nearest("SPYX", ["SPX", "SPY", "RUT"]) == "; did you mean 'SPY' or 'SPX'?"


def test_where_nothing_is_near_everything_can_be_listed() -> None:
    assert nearest("zzz", NAMES, list_all=True) == "; known: bootstrap_servers, partitions, poll_timeout_ms"


def test_nothing_known_gives_no_hint() -> None:
    assert nearest("zzz", [], list_all=True) == ""


@pytest.mark.parametrize(("name", "hint"), [("rut/spx", "RUT/SPX"), ("Iwm", "IWM")])
def test_a_name_in_other_capitals_is_named(name: str, hint: str) -> None:
    assert nearest(name, ["RUT/QQQ", "RUT/SPX", "IWM"], list_all=True) == f"; did you mean {hint!r}?"
