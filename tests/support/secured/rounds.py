"""Every command in turn, as one user, each with exactly the rights that are printed for it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.secured.operator import ClusterOperator, Ended, delete_topics
from tests.support.secured.product import ProductAccess
from tests.support.secured.users import USERS
from tests.support.secured_broker import Secured
from tests.support.webhook_receiver import WebhookReceiver


def play_round(secured: Secured, access: ProductAccess, directory: Path, vendor: str) -> None:
    """Go from an empty cluster to printed events, and look at what each command says.

    Args:
        secured: The broker; Rotascope's topics on it are made anew.
        access: Who goes.
        directory: For settings and files.
        vendor: Address of a server that plays the demo's days.
    """
    delete_topics(secured)
    with WebhookReceiver() as receiver:
        operator = ClusterOperator(secured, access, directory, vendor=vendor, receiver=receiver.url)
        try:
            for command, works in _WORKS.items():
                operator.allow(command)
                ended = operator.run(command)
                assert ended.code == 0, f"{command}: {ended.everything}"
                works(ended)
                require_no_secret(ended)
        finally:
            operator.allow_nothing()
    assert receiver.posts


def require_no_secret(ended: Ended, *more: str) -> None:
    """Look for secrets in what a command has said.

    Args:
        ended: The command.
        more: Secrets besides those of the users.
    """
    for secret in [*(user.secret for user in USERS.values()), *more]:
        assert secret not in ended.everything


def _applied(ended: Ended) -> None:
    assert "create" in ended.everything


def _checked(ended: Ended) -> None:
    assert ended.output == ["17 topics match the file\n"]


def _filled(ended: Ended) -> None:
    assert _figure(r"published ([\d,]+) daily bars", ended) > 700


def _warmed(ended: Ended) -> None:
    assert _figure(r"published ([\d,]+) sessions", ended) > 350


def _produced(ended: Ended) -> None:
    assert _figure(r"end of recording: ([\d,]+) ticks", ended) == 26_371


def _consumed(ended: Ended) -> None:
    assert _figure(r"([\d,]+) events", ended) > 0
    assert _figure(r"([\d,]+) bars", ended) > 0
    assert _figure(r"([\d,]+) dead letters", ended) == 0


def _tailed(ended: Ended) -> None:
    assert "RUT/SPX" in {json.loads(line)["pair"] for line in ended.output}, ended.everything


def _forwarded(ended: Ended) -> None:
    assert _figure(r"forwarded ([\d,]+) events", ended) > 0
    assert _figure(r"([\d,]+) dead letters", ended) == 0


def _printed(ended: Ended) -> None:
    assert len(ended.output) > 26_371


def _valued(ended: Ended) -> None:
    assert len(ended.output) > 3_000


def _figure(pattern: str, ended: Ended) -> int:
    found = re.search(pattern, "".join(ended.output))
    assert found is not None, ended.everything
    return int(found[1].replace(",", ""))


_WORKS: Final[dict[str, Callable[[Ended], None]]] = {
    "topics apply": _applied,
    "topics check": _checked,
    "backfill csv": _filled,
    "backfill baseline": _warmed,
    "produce alpaca": _produced,
    "consume": _consumed,
    "events tail": _tailed,
    "events forward": _forwarded,
    "ticks cat": _printed,
    "values cat": _valued,
}
