"""Reads files given by the operator, or packaged with Rotascope."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Final, TypeVar

from core.model.errors import ConfigurationError

T = TypeVar("T")

UNIVERSE: Final = "demo_universe.toml"
CATALOGUE: Final = "catalogue.toml"
CALENDAR_OVERRIDES: Final = "calendar_overrides.toml"
CALENDAR_EVENTS: Final = "calendar_events.toml"
CLAIMS: Final = "claims.toml"


def read_text(file: Path | None, packaged: str) -> str:
    """Read a file, or the packaged one.

    Args:
        file: Configured path; None for the packaged file.
        packaged: `UNIVERSE`, `CATALOGUE`, `CALENDAR_OVERRIDES`, `CALENDAR_EVENTS` or `CLAIMS`.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    if file is None:
        return (resources.files("core") / "data" / packaged).read_text(encoding="utf-8")
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(
            f"{file} cannot be read: {reason}", operator_action="correct the path, or omit it"
        ) from error


def parsed(file: Path | None, packaged: str, parse: Callable[[str], T]) -> T:
    """Read a file, or the packaged one, and parse it.

    Args:
        file: See `read_text`, as is `packaged`.
        packaged: See above.
        parse: Raises ConfigurationError, to which the name of the file is added.
    """
    text = read_text(file, packaged)
    try:
        return parse(text)
    except ConfigurationError as error:
        if file is None:
            raise
        raise type(error)(f"{file}: {error.message}", operator_action=error.operator_action) from error


def read_bytes(file: Path) -> bytes:
    """Read a file whole.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}", operator_action="correct the path, or omit it"
        ) from error


def require_writable(file: Path | None, option: str) -> None:
    """Refuse a file that could not be written, before the work whose result it is to hold.

    Args:
        file: Target path; None for no file.
        option: The option that named it, for the message.

    Raises:
        ConfigurationError: The message says why.
    """
    if file is None:
        return
    if file.is_dir():
        reason = "it is a directory"
    elif not file.parent.is_dir():
        reason = f"there is no directory {file.parent}"
    elif not os.access(file if file.exists() else file.parent, os.W_OK):
        reason = "permission denied"
    else:
        return
    raise ConfigurationError(
        f"{option} {file} cannot be written: {reason}", operator_action=f"choose another file for {option}"
    )


def write_bytes(
    file: Path, data: bytes, *, make_folder: bool = False, operator_action: str = "choose another file"
) -> None:
    """Write a file whole.

    Args:
        file: Target path.
        data: Content.
        make_folder: Create the directory if missing.
        operator_action: Operator action if it cannot be written.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    try:
        if make_folder:
            file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}", operator_action=operator_action
        ) from error
