"""Validates tables of TOML, and words every error in them the same way.

A file's shape is a pydantic model. What pydantic finds wrong is translated here, for all files: where it
stands, what is wrong with it, and the nearest valid name of an unknown one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from core.model.errors import ConfigurationError
from core.model.suggestions import nearest
from core.model.validation_places import Location, reached

LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pair": "numerator",
        "source": "name",
        "instrument": "symbol",
        "history": "symbol",
        "event": "kind",
        "claim": "row",
    }
)
"""List of tables → the key that names one of its entries; `id` for all others."""

_MOST_PROBLEMS: Final = 20
_LONGEST_VALUE: Final = 60
_KEY_OF_TABLE: Final = "[key]"
"""What pydantic adds to the location of a key that is wrong itself."""


class TomlTable(BaseModel):
    """Base of the tables of a file: exact types, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def one_of(what: str, known: Sequence[str]) -> Callable[[str], str]:
    """Return a check that a text is a known name; the error names the nearest one.

    Args:
        what: Kind of name, for the message.
        known: Valid names.
    """

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}{nearest(name, known, list_all=True)}")
        return name

    return check


class MakeError(Protocol):
    """Makes the error of one kind of file."""

    def __call__(self, message: str) -> ConfigurationError:
        """Return the error, with its operator action."""


M = TypeVar("M", bound=BaseModel)


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML text.

    Raises:
        TOMLDecodeError: It is not TOML, or too deeply nested, or has a number that is too long: the parser
            has other errors for the last two.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise tomllib.TOMLDecodeError(str(error)) from error


def read_toml(text: str, what: str, refusal: MakeError) -> dict[str, Any]:
    """Read TOML text.

    Args:
        text: The text.
        what: What it is, for the message, such as "universe".
        refusal: Makes the error.

    Raises:
        ConfigurationError: It is not TOML; the message names line and column.
    """
    try:
        return parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise refusal(f"{what}: not valid TOML: {error}") from error


def validated(model: type[M], document: Mapping[str, Any], what: str, refusal: MakeError) -> M:
    """Validate a document.

    Args:
        model: Its shape.
        document: The tables that were read.
        what: Names the document in messages about its top level.
        refusal: Makes the error.

    Raises:
        ConfigurationError: The message lists every problem, with its table, entry and key.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise refusal(joined(problems_of(error, model, document, what))) from error


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    document: Mapping[str, Any],
    what: str,
    *,
    secret: bool = False,
) -> list[str]:
    """Word everything that pydantic found.

    Args:
        error: What it found.
        model: The model of the whole document.
        document: The document.
        what: Names the document in messages about its top level.
        secret: Values may be secrets and are left out.
    """
    return [_worded(each, model, document, what, secret=secret) for each in error.errors()]


def joined(problems: Sequence[str]) -> str:
    """Join problems into one line; several are numbered, and only the first ones are shown.

    Example:
        >>> joined(["log: unknown key 'a'", "log: unknown key 'b'"])
        "(1) log: unknown key 'a' (2) log: unknown key 'b'"
    """
    if len(problems) == 1:
        return problems[0]
    shown = [f"({number}) {text}" for number, text in enumerate(problems[:_MOST_PROBLEMS], start=1)]
    if len(problems) > _MOST_PROBLEMS:
        shown.append(f"and {len(problems) - _MOST_PROBLEMS} more")
    return " ".join(shown)


def place_of(location: Location, document: Mapping[str, Any], what: str) -> str:
    """Name a place for the file's author: table, entry by name and number, and key.

    Example:
        >>> place_of(("instrument", 2, "id"), {"instrument": [{}, {}, {"symbol": "SPY"}]}, "universe")
        "instrument 'SPY' (number 3), id"
        >>> place_of((), {}, "universe")
        'universe'
    """
    location = tuple(step for step in location if step != _KEY_OF_TABLE)
    if len(location) < 2 or not isinstance(location[1], int):
        return ".".join(map(str, location)) or what
    table, number = str(location[0]), location[1]
    entry = document[table][number]
    own_name = entry.get(LABELS.get(table, "id")) if isinstance(entry, Mapping) else None
    label = f" {own_name!r}" if own_name is not None else ""
    key = f", {'.'.join(map(str, location[2:]))}" if len(location) > 2 else ""
    return f"{table}{label} (number {number + 1}){key}"


def _worded(
    found: Any,
    model: type[BaseModel],
    document: Mapping[str, Any],
    what: str,
    *,
    secret: bool,
) -> str:
    location, table = reached(tuple(found["loc"]), model)
    if found["type"] in ("extra_forbidden", "missing") and isinstance(location[-1], str):
        place = place_of(location[:-1], document, what)
        keys = keys_of(table)
        name = location[-1]
        if found["type"] == "missing":
            others = [key for key in found["input"] if key not in keys] if not secret else []
            return f"{place}: {name!r} is missing{nearest(name, others)}"
        kind = "section" if not location[:-1] and isinstance(found["input"], Mapping | list) else "key"
        return f"{place}: unknown {kind} {name!r}{nearest(name, keys, list_all=True)}"
    return f"{place_of(location, document, what)}: {_wrong(found, secret=secret)}"


def _wrong(found: Any, *, secret: bool) -> str:
    """Say what is wrong with a value."""
    limits, given = found.get("ctx", {}), found["input"]
    not_this = "" if secret else f", not {shortened(given)}"
    match found["type"]:
        case "int_type" | "int_parsing" | "int_from_float":
            return f"must be an integer{not_this}"
        case "float_type" | "float_parsing":
            return f"must be a number{not_this}"
        case "bool_type" | "bool_parsing":
            return f"must be true or false{not_this}"
        case "string_type":
            return f"must be a text{not_this}"
        case "date_type" | "date_parsing" | "date_from_datetime_parsing" | "date_from_datetime_inexact":
            return f"must be a date such as 2024-06-28{not_this}"
        case "time_type" | "time_parsing":
            return f"must be a time such as 13:00:00{not_this}"
        case "model_type" | "dict_type" | "mapping_type" | "model_attributes_type":
            return f"must be a table{not_this}"
        case "path_type":
            return f"must be a path{not_this}"
        case "list_type" | "tuple_type":
            return f"must be a list{not_this}"
        case "greater_than_equal":
            return f"must be at least {limits['ge']:g}{not_this}"
        case "less_than_equal":
            return f"must be at most {limits['le']:.15g}{not_this}"
        case "greater_than":
            return f"must be more than {limits['gt']:g}{not_this}"
        case "less_than":
            return f"must be less than {limits['lt']:.15g}{not_this}"
        case "too_short" if isinstance(given, str):
            return "must not be empty"
        case "too_short":
            return f"must have at least {limits['min_length']} {_entries(limits['min_length'])}"
        case "too_long":
            return f"must have at most {limits['max_length']} {_entries(limits['max_length'])}"
        case "missing":
            return "is missing"
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must have at most {limits['max_length']} characters"
        case "literal_error" | "enum":
            return f"must be {limits['expected']}{not_this}{nearest(str(given), _quoted(limits['expected']))}"
        case "union_tag_not_found":
            return f"{limits['discriminator']} is missing"
        case "union_tag_invalid":
            kind, tag, known = limits["discriminator"][1:-1], limits["tag"], _quoted(limits["expected_tags"])
            return f"unknown {kind} {tag!r}{nearest(tag, known, list_all=True)}"
        case "value_error":
            return str(limits["error"])
        case _:
            text = str(found["msg"])
            return f"{text[0].lower()}{text[1:]}"


def shortened(value: object) -> str:
    """Return a value as it is shown in a message.

    Example:
        >>> shortened(True), shortened("x")
        ('true', "'x'")
    """
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def keys_of(model: type[BaseModel]) -> list[str]:
    """Return the keys of a table, as they stand in a file."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _entries(number: int) -> str:
    return "entry" if number == 1 else "entries"


def _quoted(expected: str) -> Iterable[str]:
    return [part for number, part in enumerate(expected.split("'")) if number % 2]
