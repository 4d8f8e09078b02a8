"""Which addresses events may be posted to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from core.model.addresses import is_loopback
from core.model.errors import ConfigurationError
from core.model.forward_settings import FORWARD_GROUP_PREFIX

_DIGEST_LETTERS: Final = 12
_PORTS: Final = {"https": 443, "http": 80}
_EXAMPLE: Final = "give an address such as https://example.com/events"


@dataclass(frozen=True, slots=True)
class Destination:
    """A receiver's address.

    Path and query may hold a key, so only `shown` goes into logs and messages.

    Args:
        scheme: `https`, or `http` on this machine.
        host: Name or address, without brackets.
        port: TCP port.
        target: Path and query, as in the request line.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as the header `Host` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """The address without path and query."""
        return f"{self.scheme}://{self.authority}"

    @property
    def group_id(self) -> str:
        """The consumer group of this address, where none is given: two receivers never share one."""
        text = f"{self.shown}{self.target}"
        return FORWARD_GROUP_PREFIX + hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LETTERS]

    @classmethod
    def parse(cls, url: str) -> Self:
        """Check an address.

        Args:
            url: As given to `--to`.

        Raises:
            ConfigurationError: It is no address, has credentials, or is not encrypted beyond this machine.
                The message never shows more of it than scheme and host.

        Example:
            >>> Destination.parse("https://example.com/hooks?key=1").shown
            'https://example.com'
        """
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError as error:
            raise ConfigurationError(f"--to is not an address: {error}", operator_action=_EXAMPLE) from None
        scheme, host = parts.scheme.lower(), parts.hostname
        if scheme not in _PORTS or not host:
            raise ConfigurationError(
                "--to is not an address that begins with https:// and a host", operator_action=_EXAMPLE
            )
        if parts.username is not None or parts.password is not None:
            raise ConfigurationError(
                f"--to {scheme}://{host}: credentials in an address would be shown in lists of processes",
                operator_action="remove them; sign the events instead (ROTASCOPE_FORWARD__SECRET or "
                "--secret-file)",
            )
        if scheme == "http" and not is_loopback(host):
            raise ConfigurationError(
                f"--to {scheme}://{host}: http is not encrypted, so it is accepted on this machine only",
                operator_action="use https://; for a receiver on this machine http://127.0.0.1:PORT/",
            )
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not target.isascii() or any(letter <= " " for letter in target):
            raise ConfigurationError(
                f"--to {scheme}://{host}: path or query has a letter that must be percent-encoded",
                operator_action="percent-encode it, as %20 for a space",
            )
        try:
            host = host.encode("idna").decode() if not host.isascii() else host
        except UnicodeError:
            raise ConfigurationError("--to: the host is not a name", operator_action=_EXAMPLE) from None
        return cls(scheme, host, _PORTS[scheme] if port is None else port, target)
