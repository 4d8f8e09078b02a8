"""An artefacts mark as a command writes it, and which set an operator may name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from core.definitions.catalogue import parse_catalogue
from core.events.artefact_records import PublishedSets, collect_sets, set_records
from core.events.artefact_set import NO_SET, ArtefactSet
from core.events.cards import RarityCards, RateCards
from core.kafka import artefact_topic, artefacts_in_force
from core.kafka.log_marks import mark_frame
from core.kafka.records import OutgoingRecord
from core.model.errors import ConfigurationError
from core.model.frames import decode_frame
from core.model.records import NO_INSTRUMENT, TickKind
from core.model.settings import KafkaSettings, Settings
from core.model.topics import ARTEFACTS_TOPIC
from producers.ingest import artefacts_mark
from producers.ingest.artefacts_mark import Choice, run_artefacts_mark
from tests.support.artefact_sets import named_set
from tests.support.worlds import CATALOGUE, HISTORY, small_universe

UNIVERSE = small_universe()
FIRST, SECOND = (named_set(name, parse_catalogue(CATALOGUE), UNIVERSE.pairs) for name in ("first", "second"))
STRANGE = ArtefactSet(RateCards({("up", "v", "A/B"): ((1, {}),)}), RarityCards({}))


class Cluster:
    """The topic of artefacts, and the marks in the ticks."""

    def __init__(self) -> None:
        self.records: list[OutgoingRecord] = []
        self.marks: list[tuple[int, int]] = []

    def send(self, settings: KafkaSettings, records: Sequence[OutgoingRecord]) -> None:
        self.records += records

    def sets(self, settings: KafkaSettings) -> PublishedSets:
        return collect_sets((record.key, record.value) for record in self.records)

    def mark(
        self, settings: KafkaSettings, kind: TickKind, mark: int, *, source_id: int, ts_ns: int, epoch: int
    ) -> int:
        assert (kind, source_id) == (TickKind.ARTEFACTS, HISTORY)
        assert mark == NO_SET or mark in self.sets(settings).by_mark, "marked before it was published"
        self.marks.append((mark, epoch))
        return settings.partitions


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(artefact_topic, "send_all", found.send)
    monkeypatch.setattr(artefact_topic, "published_sets", found.sets)
    monkeypatch.setattr(artefacts_mark, "published_sets", found.sets)
    monkeypatch.setattr(artefacts_in_force, "write_mark", found.mark)
    return found


def put(choice: Choice, settings: Settings | None = None) -> str:
    return run_artefacts_mark(choice, UNIVERSE, settings or Settings(), ts_ns=1, epoch=7)


def test_a_frame_holds_only_the_mark() -> None:
    payload = mark_frame(TickKind.ARTEFACTS, FIRST.mark, source_id=HISTORY, ts_ns=5, epoch=9)
    header, (mark,) = decode_frame(payload)
    assert (header.source, header.epoch, header.sequence) == (HISTORY, 9, 0)
    assert (mark["kind"], mark["instrument_id"], mark["source"]) == (
        TickKind.ARTEFACTS,
        NO_INSTRUMENT,
        HISTORY,
    )
    assert (int(mark["trade_id"]), int(mark["ts_event"])) == (FIRST.mark, 5)


def test_a_file_is_published_manifest_last_and_then_marked(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "set.json.gz"
    file.write_bytes(FIRST.encode())
    said = put(Choice(artefacts=file))
    assert said.startswith(
        f"set {FIRST.digest[:16]} is in force from here, in 12 partitions of rotascope.ticks.v1"
    )
    assert said.endswith("published now")
    assert [record.key for record in cluster.records] == [each.key for each in set_records(FIRST)]
    assert {(record.topic, record.partition) for record in cluster.records} == {(ARTEFACTS_TOPIC, 0)}
    assert dict(cluster.records[-1].headers)["content-type"] == b"application/json"
    assert cluster.marks == [(FIRST.mark, 7)]
    assert put(Choice(artefacts=file)).endswith("published before")
    assert len(cluster.records) == len(set_records(FIRST))
    assert len(cluster.marks) == 2


def test_base_rates_and_rarity_are_one_set_from_flags_or_settings(cluster: Cluster, tmp_path: Path) -> None:
    rates, rarity = tmp_path / "rates.json", tmp_path / "rarity.json"
    rates.write_bytes(FIRST.rates.encode())
    rarity.write_bytes(FIRST.rarities.encode())
    put(Choice(base_rates=rates, rarity=rarity))
    put(Choice(), Settings(base_rates_file=rates, rarity_file=rarity))
    put(Choice(base_rates=rates))
    alone = ArtefactSet(FIRST.rates, RarityCards({}))
    assert [mark for mark, _ in cluster.marks] == [FIRST.mark, FIRST.mark, alone.mark]


def test_a_published_set_is_named_by_the_first_digits_of_its_digest(cluster: Cluster) -> None:
    for one in (FIRST, SECOND):
        artefact_topic.publish_set(KafkaSettings(), one)
    put(Choice(digest=SECOND.digest[:10].upper()))
    assert [mark for mark, _ in cluster.marks] == [SECOND.mark]
    for wrong in ("0" * 10, FIRST.digest[:3]):
        with pytest.raises(ConfigurationError) as raised:
            put(Choice(digest=wrong))
        assert FIRST.digest[:16] in str(raised.value.operator_action)


def test_no_set_is_marked_without_publishing(cluster: Cluster) -> None:
    assert put(Choice(none=True)).startswith("no base rates and no rarity are in force from here")
    assert (cluster.marks, cluster.records) == ([(NO_SET, 7)], [])


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice(), "no set of base rates and rarity is named"),
        (Choice(digest="0123456789", none=True), "--digest and --none name different sets"),
        (Choice(artefacts=Path("a"), rarity=Path("b")), "--artefacts and --base-rates or --rarity name"),
    ],
)
def test_exactly_one_set_is_named(cluster: Cluster, choice: Choice, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        put(choice)
    assert (cluster.marks, cluster.records) == ([], [])


def test_a_set_without_any_pair_of_the_universe_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "set.json"
    file.write_bytes(STRANGE.as_json())
    with pytest.raises(ConfigurationError, match="cards of A/B, and of no pair of the universe"):
        put(Choice(artefacts=file))
    assert (cluster.marks, cluster.records) == ([], [])


def test_a_universe_without_the_history_source_gets_nothing(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "set.json"
    file.write_bytes(FIRST.as_json())
    with pytest.raises(ConfigurationError, match="no source 'histroy'"):
        put(Choice(artefacts=file), Settings(history_source="histroy"))
    assert (cluster.marks, cluster.records) == ([], [])
