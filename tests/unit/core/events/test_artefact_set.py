"""A set of artefacts: one digest over its cards, a mark, and records of which only a whole set is taken."""

from __future__ import annotations

import gzip

import msgspec
import pytest

from core.events.artefact_records import CHUNK_BYTES, SetRecord, collect_sets, set_records
from core.events.artefact_set import NO_SET, ArtefactSet, mark_of
from core.events.cards import RarityCards, RateCards
from core.model.errors import InputError

KEY = ("up", "0123456789ab", "A/B")
ONE = ArtefactSet(RateCards({KEY: ((10, {"n": 1}),)}), RarityCards({KEY: ((10, {"count": 2}),)}))
OTHER = ArtefactSet(RateCards({KEY: ((10, {"n": 2}),)}), RarityCards({}))
# Cards that no compression makes small: more than one chunk.
LARGE = ArtefactSet(
    RateCards(
        {
            ("up", "0123456789ab", f"A{number}/B"): (
                (
                    10,
                    {
                        "text": "".join(
                            f"{(number * 7919 + k * k * 104_729) % 1_000_003:x}" for k in range(200)
                        )
                    },
                ),
            )
            for number in range(2_500)
        }
    ),
    RarityCards({}),
)


@pytest.mark.parametrize("data", [ONE.encode(), ONE.as_json()])
def test_a_file_gives_the_set_back_compressed_or_not(data: bytes) -> None:
    found = ArtefactSet.parse(data)
    assert (found.digest, found.rates.cards, found.rarities.cards) == (
        ONE.digest,
        ONE.rates.cards,
        ONE.rarities.cards,
    )


def test_the_digest_is_of_the_cards_alone_and_every_card_counts() -> None:
    again = ArtefactSet(RateCards(dict(ONE.rates.cards)), RarityCards(dict(ONE.rarities.cards)))
    assert again.digest == ONE.digest
    assert len({ONE.digest, OTHER.digest, ArtefactSet(ONE.rates, RarityCards({})).digest}) == 3


def test_a_mark_is_a_positive_int64_and_never_that_of_no_set() -> None:
    assert 0 < ONE.mark < 2**63
    assert ONE.mark != OTHER.mark
    assert mark_of("0" * 64) != NO_SET


def test_pairs_and_versions_are_those_of_the_cards() -> None:
    assert ONE.pairs == {"A/B"}
    assert ONE.versions == {"up": ["0123456789ab"]}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "cannot be read"),
        (ONE.encode()[:-9], "cannot be read"),
        (ONE.encode()[:20] + b"\0\0\0\0" + ONE.encode()[24:], "cannot be read"),
        (b'{"format": "rotascope-artefacts/9", "base_rates": {}, "rarity": {}}', "'rotascope-artefacts/9'"),
        (b'{"format": "rotascope-artefacts/1", "base_rates": {}, "rarity": {}}', "base rates cannot be read"),
    ],
)
def test_what_is_no_set_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        ArtefactSet.parse(data)
    assert "study prepare" in str(raised.value.operator_action)


@pytest.mark.parametrize("one", [ONE, LARGE], ids=["small", "large"])
def test_records_give_the_set_back(one: ArtefactSet) -> None:
    records = set_records(one)
    assert records[-1].key == one.digest.encode()
    assert all(len(record.value) <= CHUNK_BYTES for record in records)
    found, problems = collect_sets(records)
    assert problems == ()
    assert found[one.mark].parse().digest == one.digest


def test_a_large_set_has_several_chunks() -> None:
    assert len(set_records(LARGE)) > 2


def test_sets_do_not_disturb_each_other_and_a_repeat_changes_nothing() -> None:
    records = [*set_records(LARGE), *set_records(ONE), *set_records(LARGE), *set_records(OTHER)]
    found, problems = collect_sets(records)
    assert (set(found), problems) == ({LARGE.mark, ONE.mark, OTHER.mark}, ())


def _damaged(records: list[SetRecord], how: str) -> list[SetRecord]:
    first, *rest = records
    match how:
        case "no manifest":
            return records[:-1]
        case "no chunk":
            return rest
        case "chunk deleted":
            return [*records, SetRecord(first.key, b"")]
        case "chunk changed":
            return [first._replace(value=b"x" + first.value[1:]), *rest]
        case "manifest changed":
            return [*records[:-1], records[-1]._replace(value=records[-1].value[:-4])]
    raise AssertionError(how)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("no manifest", "manifest is missing"),
        ("no chunk", "chunk 0 of"),
        ("chunk deleted", "chunk 0 of"),
        ("chunk changed", "CRC32C"),
        ("manifest changed", "manifest cannot be read"),
    ],
)
def test_an_incomplete_or_damaged_set_is_named_and_the_others_are_taken(how: str, said: str) -> None:
    found, (problem,) = collect_sets([*_damaged(set_records(LARGE), how), *set_records(ONE)])
    assert set(found) == {ONE.mark}
    assert problem.startswith(f"set {LARGE.digest[:16]}: ")
    assert said in problem


def test_a_deleted_set_is_no_problem() -> None:
    records = [*set_records(ONE), *(SetRecord(record.key, b"") for record in set_records(ONE))]
    assert collect_sets(records) == ({}, ())


def test_content_of_another_digest_is_refused_when_it_is_read() -> None:
    *chunks, manifest = set_records(ONE)
    forged = msgspec.json.decode(manifest.value) | {"digest": OTHER.digest}
    records = [
        *(
            SetRecord(chunk.key.replace(ONE.digest.encode(), OTHER.digest.encode()), chunk.value)
            for chunk in chunks
        ),
        SetRecord(OTHER.digest.encode(), msgspec.json.encode(forged)),
    ]
    published = collect_sets(records).by_mark[OTHER.mark]
    with pytest.raises(InputError, match=f"has digest {ONE.digest[:16]}"):
        published.parse()


def test_the_same_cards_give_the_same_bytes() -> None:
    assert gzip.decompress(ONE.encode()) == ONE.as_json()
    assert ONE.encode() == ArtefactSet.parse(ONE.encode()).encode()
