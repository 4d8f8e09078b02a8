"""The digest that identifies definitions and catalogues."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

VERSION_DIGITS: Final = 12
"""Hexadecimal digits of a definition's version."""


def digest(content: Any) -> str:
    """SHA-256 of plain values as canonical JSON, in hexadecimal digits.

    Example:
        >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
        True
    """
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
