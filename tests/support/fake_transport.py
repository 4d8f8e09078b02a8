"""A log in memory behind the transport seam, with a group, transactions, and failures on demand."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from consumers.transport.seam import AssignmentChange, ChangeKind, Membership, Outcome, OutcomeKind
from core.kafka.records import Committed, Headers, OutgoingRecord, Record
from core.model.errors import TransportError

TOPIC = "rotascope.ticks.v1"
VALUES_TOPIC = "rotascope.values.v1"


@dataclass
class FakeDelivery:
    reason: str | None

    def failure(self) -> str | None:
        return self.reason

    def refusal(self) -> TransportError | None:
        return None


@dataclass
class FakeBroker:
    """What outlives a worker: the log, what was published, what was committed."""

    partitions: int = 1
    value_shards: int = 1
    begin: int = 0
    log: dict[int, list[bytes | None]] = field(default_factory=dict)
    """Payloads by partition; None stands for a control record, which no poll returns."""
    published: list[OutgoingRecord] = field(default_factory=list)
    committed: dict[int, Committed] = field(default_factory=dict)
    generation: int = 0
    """Of the group: a transaction under another one is refused."""

    def append(self, payload: bytes | None, partition: int = 0) -> int:
        """Write one record; its offset."""
        log = self.log.setdefault(partition, [])
        log.append(payload)
        return len(log) - 1


class FakeTransport:
    """One connection to a `FakeBroker`.

    Args:
        broker: The log.
        poll_records: Most records of a partition in one poll.
    """

    def __init__(self, broker: FakeBroker, *, poll_records: int = 500) -> None:
        self.broker = broker
        self.poll_records = poll_records
        self.positions: dict[int, int] = {}
        self.held: set[int] = set()
        self.silent: dict[int, int] = {}
        """Partitions that give nothing, and how many seeks it takes until they do."""
        self.fail_next_sends = 0
        self.fail_next_commits = 0
        self.fail_next_polls = 0
        self.fail_next_questions = 0
        self.questions_ms: list[int | None] = []
        """How long each question about a committed offset might take."""
        self.fail_next_rebuilds = 0
        self.fail_next_transaction: TransportError | None = None
        self.polls = 0
        self.name = "me"
        """Of the member; for whoever writes its script."""
        self.outcomes: deque[Outcome] = deque()
        """Of the next transactions; `committed` when there is none."""
        self.commits_behind_unknown = False
        """Whether a transaction whose outcome is unknown was in truth committed."""
        self.behind_metadata = ""
        """What a client gives back behind committed metadata."""
        self.deadlines_ms: list[int] = []
        self.announced: tuple[str, ...] = ()
        """Topics that it was told records will be sent to."""
        self.rebuilt_producers = 0
        self.rebuilt_consumers = 0
        self.closed = False
        self.discarded = 0
        self.away = False
        """Whether the broker is away: nothing is answered, and a poll gives nothing."""
        self.fresh_answers = False
        """Whether a new client is answered, while this one may not be."""
        self.fail_next_connects = 0
        self.connected = False
        self.raising: set[str] = set()
        """Methods that raise, for ever, that another try may help."""
        self._answers = 0
        self._sent: list[OutgoingRecord] = []
        self._script: deque[tuple[list[AssignmentChange], Membership | None]] = deque()
        self._changes: list[AssignmentChange] = []
        self._membership: Membership | None = None
        self.subscribed = False

    def connect(self, timeout_ms: int) -> None:
        if self.away or self.fail_next_connects:
            self.fail_next_connects = max(0, self.fail_next_connects - 1)
            raise TransportError("no broker")
        self.connected = True
        self._answers += 1

    def answers(self) -> int:
        self._may_raise("answers")
        return self._answers

    def fresh_client_answers(self, timeout_ms: int) -> bool:
        return self.fresh_answers

    def _asked(self, method: str) -> None:
        """A question that goes to the broker."""
        self._may_raise(method)
        if self.away:
            raise TransportError("no answer")
        self._answers += 1

    def _may_raise(self, method: str) -> None:
        if method in self.raising:
            raise TransportError(f"{method} failed")

    def partitions(self, topic: str) -> int:
        assert self.connected
        self._asked("partitions")
        if topic == VALUES_TOPIC:
            return self.broker.value_shards
        assert topic == TOPIC
        return self.broker.partitions

    def assign(self, topic: str, partitions: Sequence[int]) -> None:
        self.positions = dict.fromkeys(partitions, -1)
        self.held = set(partitions)

    def subscribe(self, topic: str) -> None:
        self.subscribed = True

    def will(self, *changes: tuple[str, Sequence[int]], member: str | None = "me", generation: int) -> None:
        """What the next poll that nothing is yet said of brings."""
        told = [AssignmentChange(ChangeKind(kind), tuple(partitions)) for kind, partitions in changes]
        membership = None if member is None else Membership(generation, member, object())
        self._script.append((told, membership))

    def assignment_changes(self) -> list[AssignmentChange]:
        changes, self._changes = self._changes, []
        return changes

    def membership(self) -> Membership | None:
        return self._membership

    def poll(self, timeout_ms: int, *, max_records: int | None = None) -> dict[int, list[Record]]:
        self.polls += 1
        if self.fail_next_polls:
            self.fail_next_polls -= 1
            raise TransportError("no broker")
        self._may_raise("poll")
        if self.away:
            return {}
        self._answers += 1
        if self._script:
            changes, self._membership = self._script.popleft()
            self._changes += changes
            for kind, partitions in changes:
                for partition in partitions:
                    if kind is ChangeKind.ASSIGNED:
                        self.positions[partition] = -1
                        self.held.add(partition)
                    else:
                        del self.positions[partition]
        batches: dict[int, list[Record]] = {}
        for partition in self.positions.keys() - self.held - self.silent.keys():
            position = self.positions[partition]
            assert position >= 0, "polled before it was sought"
            most = min(self.poll_records, max_records or self.poll_records)
            upto = min(position + most, self._end(partition))
            batch = [
                Record(TOPIC, partition, offset, None, payload, (), 1_000)
                for offset in range(position, upto)
                if (payload := self.broker.log[partition][offset]) is not None
            ]
            self.positions[partition] = upto
            if batch:
                batches[partition] = batch
        return batches

    def seek(self, partition: int, offset: int) -> None:
        assert partition in self.positions
        self._may_raise("seek")
        self.positions[partition] = offset
        self.held.discard(partition)
        if partition in self.silent:
            self.silent[partition] -= 1
            if self.silent[partition] < 0:
                del self.silent[partition]

    def hold(self, partition: int) -> None:
        self._may_raise("hold")
        self.held.add(partition)

    def position(self, partition: int) -> int:
        self._may_raise("position")
        return self.positions[partition]

    def end_seen(self, partition: int) -> int | None:
        self._may_raise("end_seen")
        return self._end(partition)

    def begin_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
        self._asked("begin_offset")
        return self.broker.begin

    def end_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
        self._asked("end_offset")
        return self._end(partition)

    def _end(self, partition: int) -> int:
        return len(self.broker.log.get(partition, []))

    def committed(self, partition: int, *, timeout_ms: int | None = None) -> Committed | None:
        self.questions_ms.append(timeout_ms)
        self._asked("committed")
        if self.fail_next_questions:
            self.fail_next_questions -= 1
            raise TransportError("a transaction is still open")
        found = self.broker.committed.get(partition)
        return found and found._replace(metadata=found.metadata + self.behind_metadata)

    def send(
        self, topic: str, key: bytes | None, value: bytes, headers: Headers, partition: int | None = None
    ) -> FakeDelivery:
        if self.fail_next_sends:
            self.fail_next_sends -= 1
            return FakeDelivery("the record expired")
        self._sent.append(OutgoingRecord(topic, key, value, headers, partition))
        return FakeDelivery(None)

    def flush(self, timeout_ms: int) -> None:
        self.broker.published += self._sent
        self._sent = []

    def discard_sends(self) -> None:
        self.discarded += 1
        self._sent = []

    def commit(self, offsets: Mapping[int, Committed]) -> None:
        self._asked("commit")
        if self.fail_next_commits:
            self.fail_next_commits -= 1
            raise TransportError("no coordinator")
        self.broker.committed.update(offsets)

    def transact(
        self,
        sends: Sequence[OutgoingRecord],
        offsets: Mapping[int, Committed],
        membership: Membership | None,
        deadline_ms: int,
    ) -> Outcome:
        assert (membership is not None) == self.subscribed
        self.deadlines_ms.append(deadline_ms)
        if self.fail_next_transaction is not None:
            raise self.fail_next_transaction
        self._may_raise("transact")
        if self.away:
            return Outcome(OutcomeKind.ABORTED, "no answer")
        outcome = self.outcomes.popleft() if self.outcomes else Outcome(OutcomeKind.COMMITTED)
        if membership is not None and membership.generation != self.broker.generation:
            return Outcome(OutcomeKind.FENCED, "the group has moved on")
        in_truth = outcome.kind is OutcomeKind.COMMITTED or (
            outcome.kind is OutcomeKind.UNKNOWN and self.commits_behind_unknown
        )
        if in_truth:
            self.broker.published += sends
            self.broker.committed.update(offsets)
        return outcome

    def sends_to(self, topics: Sequence[str]) -> None:
        self.announced = tuple(topics)

    def rebuild_producer(self, deadline_ms: int) -> None:
        self._may_raise("rebuild_producer")
        if self.away:
            raise TransportError("no answer")
        if self.fail_next_rebuilds:
            self.fail_next_rebuilds -= 1
            raise TransportError("no transactional producer")
        self.rebuilt_producers += 1

    def rebuild_consumer(self) -> None:
        self._may_raise("rebuild_consumer")
        if self.away and not self.fresh_answers:
            raise TransportError("no broker")
        self.rebuilt_consumers += 1
        self.away = False
        self._answers += 1
        self._membership = None
        self.silent = {}
        if not self.subscribed:
            self.held = set(self.positions)
            return
        if self.positions:
            self._changes.append(AssignmentChange(ChangeKind.LOST, tuple(self.positions)))
        self.positions, self.held = {}, set()

    def close(self) -> None:
        self.closed = True
