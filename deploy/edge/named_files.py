"""Files named on the command line: `NAME=FILE[:COLUMN]`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from core.errors import ConfigurationError


class NamedFile(NamedTuple):
    """`NAME=FILE[:COLUMN]`."""

    name: str
    file: Path
    column: str


def named_file(text: str, option: str, example: str) -> NamedFile:
    """Read `NAME=FILE[:COLUMN]`.

    Args:
        text: What was given.
        option: The option it was given for.
        example: A sentence with a right one, for the operator.

    Raises:
        ConfigurationError: It is not of this form.

    Example:
        >>> named_file("IJR=adjusted.csv:IJR", "--bars", "").column
        'IJR'
    """
    name, equals, rest = text.partition("=")
    file, colon, column = rest.rpartition(":")
    if not colon or Path(rest).is_file():
        file, column = rest, "close"
    if not (name and equals and file and column):
        raise ConfigurationError(
            f"{option} {text!r} is not NAME=FILE or NAME=FILE:COLUMN", operator_action=example
        )
    return NamedFile(name, Path(file), column)
