"""Rotascope's own settings for the secured broker, in files as an operator would write them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.secured.bare_clients import listener_of
from tests.support.secured.certificates import Identity
from tests.support.secured.listeners import PROTOCOLS, Listener
from tests.support.secured.token_server import SCOPE
from tests.support.secured.users import USERS, Login
from tests.support.secured_broker import Secured


@dataclass(frozen=True, slots=True)
class ProductAccess:
    """How a program of ours reaches the broker; what is None is as it should be.

    Args:
        login: How it logs in.
        client: The setting `kafka.client`.
        listener: Another one than that of the login.
        servers: In place of the listener's own address.
        secret: Another password, client secret or password of the key.
        authority: Another file of trusted authorities.
        identity: Another client certificate, whose key has no password.
    """

    login: Login
    client: str = "kafka-python"
    listener: Listener | None = None
    servers: str | None = None
    secret: str | None = None
    authority: Path | None = None
    identity: Identity | None = None

    @property
    def principal(self) -> str:
        """As whom the broker knows it."""
        return USERS[self.login].principal


def write_settings(secured: Secured, access: ProductAccess, directory: Path, *, more: str = "") -> Path:
    """Write a settings file, and the files of secrets beside it.

    Args:
        secured: The broker.
        access: How to reach it.
        directory: Where the files go; made if missing.
        more: Further TOML, before the section of the security.

    Returns:
        The settings file.
    """
    directory.mkdir(parents=True, exist_ok=True)
    listener = access.listener or listener_of(access.login)
    security = {"protocol": PROTOCOLS[listener]}
    if PROTOCOLS[listener].endswith("SSL"):
        security["ca_file"] = str(access.authority or secured.authority.certificate)
    if PROTOCOLS[listener].startswith("SASL"):
        security["mechanism"] = access.login
    if PROTOCOLS[listener] != "PLAINTEXT":
        security |= _proof(secured, access, directory)
    lines = [
        "[kafka]",
        f'bootstrap_servers = "{access.servers or secured.broker.servers(listener)}"',
        f'client = "{access.client}"',
        more,
        "[kafka.security]",
        *(f'{name} = "{value}"' for name, value in security.items()),
    ]
    file = directory / "rotascope.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def _proof(secured: Secured, access: ProductAccess, directory: Path) -> dict[str, str]:
    """What the client shows to say who it is."""
    user = USERS[access.login]
    secret = user.secret if access.secret is None else access.secret
    match access.login:
        case Login.MUTUAL_TLS:
            identity = access.identity or secured.client
            named = {"certificate_file": str(identity.certificate), "key_file": str(identity.key)}
            if access.identity is None:
                named["key_password_file"] = str(_secret_file(directory, secret))
            return named
        case Login.OAUTHBEARER:
            oauth = directory / "oauth.toml"
            oauth.write_text(
                f'token_endpoint = "{secured.tokens.token_url}"\nclient_id = "{user.name}"\n'
                f'client_secret_file = "{_secret_file(directory, secret)}"\nscope = "{SCOPE}"\n'
            )
            return {"oauth_file": str(oauth)}
        case _:
            return {"username": user.name, "password_file": str(_secret_file(directory, secret))}


def _secret_file(directory: Path, secret: str) -> Path:
    file = directory / "secret"
    file.write_text(f"{secret}\n")
    file.chmod(0o600)
    return file
