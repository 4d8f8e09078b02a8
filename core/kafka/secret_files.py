"""Reads files that hold secrets or certificates; no message ever repeats what is in one."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from core.model.errors import ConfigurationError

_OTHERS: Final = stat.S_IRGRP | stat.S_IROTH


def require_readable(file: Path, setting: str) -> bytes:
    """Read a file whole.

    Args:
        file: What the setting names.
        setting: Its full name, as `kafka.security.ca_file`.

    Raises:
        ConfigurationError: It is not there, or this user may not read it.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{setting}: {file} cannot be read: {error.strerror}",
            operator_action=f"correct {setting}, or let this user read the file",
        ) from error


def read_secret(file: Path, setting: str) -> str:
    """Read a secret: the text of a file without the line's end that an editor leaves.

    Args:
        file: What the setting names.
        setting: Its full name.

    Raises:
        ConfigurationError: It cannot be read, is empty, or is not UTF-8 text.
    """
    try:
        secret = require_readable(file, setting).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        secret = ""  # neither the bytes nor their place belong in a message
    if not secret:
        raise ConfigurationError(
            f"{setting}: {file} holds no text",
            operator_action=f"write the secret into {file}, and nothing else",
        )
    return secret


def read_by_others(file: Path) -> bool:
    """Whether users other than the owner may read a file; False where that is unknown."""
    try:
        return bool(file.stat().st_mode & _OTHERS)
    except OSError:
        return False
