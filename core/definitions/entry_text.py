"""Writes a definition as TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

_WIDTH: Final = 100


def entry_text(entry: Mapping[str, Any]) -> str:
    """Write an entry as TOML.

    Args:
        entry: Its keys; values are strings, numbers, booleans, and lists and flat tables of them.

    Example:
        >>> print(entry_text({"id": "up", "enter": ["ratio >= 2"], "threshold": {"ratio": 2.0}}))
        [[definition]]
        id = "up"
        enter = ["ratio >= 2"]
        threshold = { ratio = 2.0 }
    """
    lines = ["[[definition]]"]
    for key, value in entry.items():
        line = f"{key} = {_value(value)}"
        if isinstance(value, Mapping) and len(line) > _WIDTH:
            lines += [f"{key}.{name} = {_value(each)}" for name, each in value.items()]
        else:
            lines.append(line)
    return "\n".join(lines)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    # A JSON string is a TOML basic string.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
