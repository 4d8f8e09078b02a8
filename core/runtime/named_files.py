"""Parses file arguments of the form `NAME=FILE[:COLUMN]`.

Names may contain `=` (`GC=F`), and so may files and columns. Of all possible splits, the one with an
existing file is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from core.model.errors import ConfigurationError

_LONGEST: Final = 100


class NamedFile(NamedTuple):
    """`NAME=FILE[:COLUMN]`."""

    name: str
    file: Path
    column: str


def named_file(text: str, option: str, example: str) -> NamedFile:
    """Parse `NAME=FILE[:COLUMN]`.

    Args:
        text: The argument.
        option: Name of the option, for messages.
        example: Operator action with an example.

    Raises:
        ConfigurationError: It has another form, or is ambiguous.

    Example:
        >>> named_file("IJR=adjusted.csv:IJR", "--bars", "").column
        'IJR'
        >>> named_file("GC=F=gold.csv", "--bars", "").name
        'GC=F'
    """
    divided = [each for at, sign in enumerate(text) if sign == "=" for each in _divided(text, at)]
    there = list(dict.fromkeys(each for each in divided if _is_there(each.file)))
    if len(there) > 1 and len({(each.name, each.file) for each in there}) > 1:
        one, other = there[0], there[1]
        raise ConfigurationError(
            f"{option} {_cut(text)!r} is ambiguous: it may be {one.name!r} from {_cut(str(one.file))!r} or "
            f"{other.name!r} "
            f"from {_cut(str(other.file))!r}",
            operator_action="rename one of the files",
        )
    if there:
        return there[0]
    name, equals, rest = _by_form(text)
    file, colon, column = rest.rpartition(":")
    if not colon:
        file, column = rest, "close"
    if not (name and equals and file and column):
        raise ConfigurationError(
            f"{option} {_cut(text)!r} is not NAME=FILE or NAME=FILE:COLUMN", operator_action=example
        )
    return NamedFile(name, Path(file), column)


def named_files(texts: Sequence[str], option: str, example: str) -> dict[str, NamedFile]:
    """Parse several arguments with distinct names.

    Args:
        texts: The arguments.
        option: Name of the option, for messages.
        example: See `named_file`.

    Returns:
        Name → file, in the order given.

    Raises:
        ConfigurationError: As `named_file`, or a name is duplicated.
    """
    files: dict[str, NamedFile] = {}
    for text in texts:
        file = named_file(text, option, example)
        if file.name in files:
            raise ConfigurationError(
                f"{option} names {file.name!r} twice: {files[file.name].file.name} and {file.file.name}",
                operator_action="give one file per symbol",
            )
        files[file.name] = file
    return files


def _divided(text: str, at: int) -> Iterator[NamedFile]:
    """Yield every way to interpret the text after an equals sign."""
    name, rest = text[:at], text[at + 1 :]
    if not (name and rest):
        return
    yield NamedFile(name, Path(rest), "close")
    for colon, sign in enumerate(rest):
        if sign == ":" and rest[:colon] and rest[colon + 1 :]:
            yield NamedFile(name, Path(rest[:colon]), rest[colon + 1 :])


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except (OSError, ValueError):
        return False


def _by_form(text: str) -> tuple[str, str, str]:
    """Split if no file exists: at the last equals sign before the path or the column."""
    end = min((at for at in (text.find("/"), text.find(":")) if at > 0), default=len(text))
    at = text.rfind("=", 0, end)
    at = at if at >= 0 else text.find("=")
    return (text[:at], "=", text[at + 1 :]) if at >= 0 else (text, "", "")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
