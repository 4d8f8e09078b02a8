"""The universe file: TOML text in, entries out that are each sound by themselves."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from jsonschema import Draft202012Validator, TypeChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from core.model.errors import UniverseError
from core.model.sessions import CALENDAR_NAMES, unknown_calendar
from core.model.suggestions import nearest

MAX_AGE_MS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "index": 60_000,
        "etf": 60_000,
        "equity": 60_000,
        "crypto": 30_000,
        "rate": 86_400_000,
        "flow": 86_400_000,
    }
)
"""Asset class → age beyond which a last price is stale, where the file does not say."""

SERIES_CLASSES: Final = ("rate", "flow")
"""Classes of daily series beside the prices, in the order of their roles: a rate is in percent, a flow in
currency. A series never trades; its values come with the history."""

_MOST_PROBLEMS: Final = 20


def read_universe_file(text: str) -> dict[str, Any]:
    """Read a universe file and fill in what its instruments leave to defaults.

    Args:
        text: TOML text; `data/universe.schema.json` describes it.

    Returns:
        Lists of entries under "source", "instrument" (complete) and "pair", in the file's order.

    Raises:
        UniverseError: With every problem found, each naming its entry and the nearest names.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise universe_error([f"the universe is not TOML: {error}"]) from error
    found = sorted(_validator().iter_errors(document), key=_place)
    if found:
        raise universe_error([_describe(error, document) for error in found])
    defaults = document.get("defaults", {})
    entries = [_with_defaults(entry, defaults.get(entry["class"], {})) for entry in document["instrument"]]
    problems = [problem for entry in entries for problem in _problems_within(entry)]
    if problems:
        raise universe_error(problems)
    return {"source": document["source"], "instrument": entries, "pair": document["pair"]}


def universe_error(problems: Sequence[str]) -> UniverseError:
    """Turn the problems of a universe into one error that lists them."""
    shown = list(problems[:_MOST_PROBLEMS])
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    return UniverseError(
        "; ".join(shown),
        operator_action="mend the universe file; 'rotascope check' reads it without starting anything",
    )


def _validator() -> Any:
    # Part of the package as the code is, so reading it is no input from outside.
    text = resources.files("core").joinpath("data/universe.schema.json").read_text(encoding="utf-8")
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
    return extend(Draft202012Validator, type_checker=types)(json.loads(text))


def _is_integer(_checker: TypeChecker, value: object) -> bool:
    # JSON has one kind of number, so 1.0 passes for an integer there; TOML tells them apart.
    return type(value) is int


def _with_defaults(entry: Mapping[str, Any], of_class: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what the class says, then what follows from the class itself."""
    merged: dict[str, Any] = {**of_class, **entry}
    asset_class = merged["class"]
    merged.setdefault("name", merged["symbol"])
    merged.setdefault("max_age_ms", MAX_AGE_MS[asset_class])
    merged.setdefault("has_volume", asset_class != "index" and asset_class not in SERIES_CLASSES)
    # An index closes by decree of its publisher; a stock only by an auction we know how to find.
    merged.setdefault("has_official_close", asset_class == "index" or "listing_exchange" in merged)
    return merged


def _problems_within(entry: Mapping[str, Any]) -> Iterable[str]:
    """Check what one instrument says about itself."""
    who = f"instrument {entry['symbol']!r}"
    for key in ("calendar", "source"):
        if key not in entry:
            yield f"{who} has no {key!r}, and [defaults.{entry['class']}] gives none"
    calendar = entry.get("calendar", CALENDAR_NAMES[0])
    hint = unknown_calendar(calendar)
    if hint is not None:
        yield f"{who} names the unknown calendar {calendar!r}{hint}"
    if entry["class"] in SERIES_CLASSES:
        for key in ("has_volume", "has_official_close"):
            if entry[key]:
                yield f"{who} is a {entry['class']}: it never trades and cannot have {key!r}"
    auctioned = entry["class"] in ("etf", "equity")
    if auctioned and entry["has_official_close"] and "listing_exchange" not in entry:
        yield f"{who} has an official close, so it needs a 'listing_exchange' to tell whose auction it is"


def _place(error: ValidationError) -> list[str]:
    # As text of one width, because a path mixes names and numbers, which do not compare.
    return [f"{step:>9}" for step in error.absolute_path]


def _describe(error: ValidationError, document: Mapping[str, Any]) -> str:
    """Say in one line which entry breaks the schema, and how."""
    where = _entry_name(list(error.absolute_path), document)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        unknown = [key for key in error.instance if key not in known]
        hints = [f"unknown key {key!r}{nearest(key, known, list_all=True)}" for key in unknown]
        return f"{where}: {', '.join(hints)}"
    rule = error.schema.get("description") if error.validator == "pattern" else None
    return f"{where}: {error.message}" + (f" ({rule})" if rule else "")


def _entry_name(path: list[str | int], document: Mapping[str, Any]) -> str:
    """Name an entry as the file's author knows it: "instrument 'SPY' (number 3), max_age_ms"."""
    if len(path) < 2 or not isinstance(path[1], int):
        return ".".join(map(str, path)) or "universe"
    table, number = str(path[0]), path[1]
    entry = document[table][number]
    label = ""
    if isinstance(entry, Mapping):
        own_name = {"pair": "numerator", "source": "name"}.get(table, "symbol")
        label = f" {entry[own_name]!r}" if own_name in entry else ""
    field = f", {'.'.join(map(str, path[2:]))}" if len(path) > 2 else ""
    return f"{table}{label} (number {number + 1}){field}"
