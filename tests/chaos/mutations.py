"""Rules taken out, one at a time: a suite that does not notice proves nothing.

Each is applied to a worker's process by the launcher; the product has no switch for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True)
class Mutation:
    """One rule less.

    Args:
        name: For the command line.
        rule: What is taken out.
        fault: The fault under which it must show.
        apply: Takes it out of the process it is called in.
    """

    name: str
    rule: str
    fault: str
    apply: Callable[[], None]


def _reread_membership() -> None:
    """Let a commit bear what the client says of itself then, in place of what the last poll left."""
    from consumers.transport.kafka_python import KafkaPythonTransport
    from consumers.transport.seam import Membership

    usual = KafkaPythonTransport.transact

    def transact(self: Any, sends: Any, offsets: Any, membership: Any, deadline_ms: int) -> Any:
        del membership
        now = self._consumer.group_metadata()
        reread = Membership(now.generation_id, now.member_id, now)
        return usual(self, sends, offsets, reread, deadline_ms)

    KafkaPythonTransport.transact = transact  # type: ignore[method-assign]


def _ignore_deliveries() -> None:
    """Let nobody ask what became of a record that was sent."""
    import consumers.transport.kafka_python_attempt as attempt

    attempt.first_failure = lambda deliveries: None  # type: ignore[attr-defined]


def _admit_every_epoch() -> None:
    """Let an engine take frames of a producer that another has long replaced."""
    from core.engine.admission import FrameAdmission

    usual = FrameAdmission.admit

    def admit(self: Any, row: int, header: Any) -> bool:
        epoch = self._sources.epoch.item(row)
        if self._sources.seen.item(row) and header.epoch < epoch:
            return True
        return usual(self, row, header)

    FrameAdmission.admit = admit  # type: ignore[method-assign]


_ALL: Final = (
    Mutation(
        "reread-membership",
        "membership is captured after a poll and never read again before the commit",
        "frozen-past-its-session",
        _reread_membership,
    ),
    Mutation(
        "ignore-deliveries",
        "the delivery of every record is checked before offsets are sent and committed",
        "send-expired",
        _ignore_deliveries,
    ),
    Mutation(
        "admit-every-epoch",
        "a frame of an older epoch is dropped",
        "old-epoch-frame",
        _admit_every_epoch,
    ),
)

MUTATIONS: Final[Mapping[str, Mutation]] = MappingProxyType({each.name: each for each in _ALL})
