"""core.model.validation: every error of a file is worded in the same way, with its place."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from core.model.errors import ConfigurationError
from core.model.validation import (
    TomlTable,
    joined,
    one_of,
    place_of,
    problems_of,
    read_toml,
    shortened,
    validated,
)


class Inner(TomlTable):
    """A table in a table."""

    count: Annotated[int, Field(ge=1, le=9)] = 1
    kind: Literal["red", "green"] = "red"


class Entry(TomlTable):
    """An entry of a list of tables."""

    symbol: str
    inner: Inner = Inner()


class File(TomlTable):
    """A file."""

    instrument: list[Entry] = Field(default=[])
    inner: Inner = Inner()


def problems(document: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        validated(File, document, "file", ConfigurationError)
    return refused.value.message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"iner": {}}, "file: unknown section 'iner'; did you mean 'inner'?"),
        ({"iner": 3}, "file: unknown key 'iner'; did you mean 'inner'?"),
        ({"inner": {"cont": 3}}, "inner: unknown key 'cont'; did you mean 'count'?"),
        ({"inner": {"zzz": 3}}, "inner: unknown key 'zzz'; known: count, kind"),
        ({"inner": {"count": 10}}, "inner.count: must be at most 9, not 10"),
        ({"inner": {"count": True}}, "inner.count: must be an integer, not true"),
        ({"inner": {"kind": "rde"}}, "inner.kind: must be 'red' or 'green', not 'rde'; did you mean 'red'?"),
        ({"inner": 3}, "inner: must be a table, not 3"),
        ({"instrument": {}}, "instrument: must be a list, not {}"),
        ({"instrument": [{}]}, "instrument (number 1): 'symbol' is missing"),
        (
            {"instrument": [{"symbol": "A"}, {"symbol": "B", "inner": {"count": 0}}]},
            "instrument 'B' (number 2), inner.count: must be at least 1, not 0",
        ),
    ],
)
def test_a_problem_has_its_place_and_what_was_meant(document: dict[str, Any], message: str) -> None:
    assert problems(document) == message


def test_a_missing_key_names_the_unknown_one_that_is_near() -> None:
    class Open(TomlTable, extra="allow"):
        session: int

    with pytest.raises(ConfigurationError, match="'session' is missing; did you mean 'sesion'"):
        validated(Open, {"sesion": 1}, "file", ConfigurationError)


def test_secrets_are_left_out() -> None:
    with pytest.raises(ValueError, match="count") as found:
        File.model_validate({"inner": {"count": "hush"}})
    error: Any = found.value
    worded = problems_of(error, File, {}, "file", secret=True)
    assert worded == ["inner.count: must be an integer"]


def test_several_problems_are_numbered_and_limited() -> None:
    assert joined(["a"]) == "a"
    assert joined(["a", "b"]) == "(1) a (2) b"
    assert joined(["a"] * 25).endswith("(20) a and 5 more")


def test_text_that_is_not_toml_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigurationError, match=r"file: not valid TOML: .*line 2"):
        read_toml("a = 1\nb = ]", "file", ConfigurationError)


@pytest.mark.parametrize("text", ["a = " + "[" * 5_000, "a = " + "9" * 5_000], ids=["nesting", "number"])
def test_text_that_the_parser_gives_up_on_is_refused_as_well(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"file: not valid TOML: ") as refused:
        read_toml(text, "file", ConfigurationError)
    assert len(str(refused.value)) < 300


def test_a_place_without_an_entry_is_its_path() -> None:
    assert place_of(("inner", "count"), {}, "file") == "inner.count"


def test_a_long_value_is_shortened() -> None:
    assert len(shortened("x" * 1_000)) == 60


def test_a_known_name_is_returned() -> None:
    check = one_of("colour", ["red", "green"])
    assert check("red") == "red"
    with pytest.raises(ValueError, match="unknown colour 'gren'; did you mean 'green'"):
        check("gren")
