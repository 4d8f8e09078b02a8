"""Who may log in to the secured broker, and the words that a client needs for it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Login(StrEnum):
    """A way to log in."""

    PLAIN = "PLAIN"
    SCRAM_256 = "SCRAM-SHA-256"
    SCRAM_512 = "SCRAM-SHA-512"
    OAUTHBEARER = "OAUTHBEARER"
    MUTUAL_TLS = "mutual TLS"


class User(NamedTuple):
    """Somebody who may log in, in one way.

    Args:
        name: User name, client id or common name of the certificate.
        secret: Password or client secret; of the certificate's key with mutual TLS. Each stands in no other
            text, so that a test can look for it in what a program prints.
        principal: As the authorizer names them.
    """

    name: str
    secret: str
    principal: str


# A password may hold what configuration files give a meaning to.
USERS: Final = {
    Login.PLAIN: User("plain-user", "sesame;plain = #1 $x", "User:plain-user"),
    Login.SCRAM_256: User("scram256-user", "sesame;scram = #2 $x", "User:scram256-user"),
    Login.SCRAM_512: User("scram512-user", "sesame;scram = #5 $x", "User:scram512-user"),
    Login.OAUTHBEARER: User("oauth-client", "sesame-oauth-3", "User:oauth-client"),
    Login.MUTUAL_TLS: User("mutual-user", "sesame-key-4", "User:CN=mutual-user"),
}
