"""Reads JSON bars as a table: a list of objects anywhere in the document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from core.daily.columns import long_names
from core.daily.encodings import decoded
from core.daily.findings import some_names
from core.daily.table import Table
from core.model.errors import HistoryError

_DEEPEST: Final = 4
"""Maximum nesting depth that is searched."""
_ACTION: Final = "supply a list of objects with a date and a close each, or a CSV file"


def json_table(data: bytes, name: str, *, symbol: str) -> Table:
    """Read bars from JSON: a list of objects, one object per line, or columns as lists.

    Args:
        data: The file.
        name: Name of the file in messages.
        symbol: Selects the list if there are several under symbol names.

    Returns:
        The table, with figures as text.

    Raises:
        HistoryError: The file is not JSON, has no list of bars, or more than one.
    """
    text, findings = decoded(data, name)
    rows = _bars(_document(text, name), name, symbol)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    names = {key: key.strip().lower() for key in keys}
    # Some vendors number their keys: "4. close".
    names = {key: short.split(". ", 1)[-1] if short[:1].isdigit() else short for key, short in names.items()}
    full = long_names(list(names.values()))
    columns: dict[str, list[str]] = {}
    repeated: set[str] = set()
    for key in keys:
        column = full.get(names[key], names[key])
        if column in columns:
            repeated.add(column)
        columns.setdefault(column, [_text(row.get(key)) for row in rows])
    return Table("json", columns, len(rows), frozenset(repeated), findings=findings)


def _document(text: str, name: str) -> Any:
    try:
        return _loads(text)
    except RecursionError as error:
        raise HistoryError(f"{name} is JSON with too many nesting levels", operator_action=_ACTION) from error
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines):
            try:
                return [_loads(line) for line in lines]
            except ValueError:
                pass
        raise HistoryError(
            f"{name} is not a readable json file: line {line} is corrupt or the file is truncated",
            operator_action="export it again",
        ) from error


def _loads(text: str) -> Any:
    # As text, so that figures are parsed as in a CSV file.
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


def _bars(document: Any, name: str, symbol: str) -> list[Mapping[str, Any]]:
    found = dict(_lists(document, "", 0))
    if len(found) > 1 and symbol in found:
        found = {symbol: found[symbol]}
    if len(found) > 1:
        raise HistoryError(
            f"{name} contains several lists of bars ({', '.join(some_names(found))}), none called {symbol!r}",
            operator_action="use a separate file per symbol",
        )
    if not found:
        raise HistoryError(f"{name} is JSON without a list of bars", operator_action=_ACTION)
    return next(iter(found.values()))


def _lists(value: Any, key: str, depth: int) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Yield every list of objects with its key."""
    if isinstance(value, list):
        if value and all(isinstance(each, Mapping) for each in value):
            yield key, value
        return
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return
    lists = {name: each for name, each in value.items() if isinstance(each, list)}
    if len(lists) > 1 and not any(isinstance(x, Mapping | list) for each in lists.values() for x in each):
        if len({len(each) for each in lists.values()}) == 1 and next(iter(lists.values())):
            yield key, [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
        return
    if value and all(isinstance(each, Mapping) and _is_dated(day) for day, each in value.items()):
        yield key, [{"date": day, **each} for day, each in value.items()]
        return
    for name, each in value.items():
        yield from _lists(each, name, depth + 1)


def _is_dated(key: str) -> bool:
    return len(key) >= 10 and key[:4].isdigit() and key[4] == "-"


def _text(value: Any) -> str:
    return "" if value is None else str(value)
