"""core.definitions.event_words: title and sentence decide nothing."""

from __future__ import annotations

from importlib.resources import files

import pytest

from core.definitions.catalogue import parse_catalogue, stored_definition
from core.model.errors import CatalogueError

RULE = """
[[definition]]
id = "three_up"
family = "level"
enter = ["return_1d_pct >= 3"]
"""
SAID = RULE + 'title = "Up {threshold.return_1d_pct}"\nsentence = "{numerator} moved {return_1d_pct:+}"\n'
SHIPPED = parse_catalogue((files("core") / "data" / "catalogue.toml").read_text(encoding="utf-8"))


def test_a_definition_without_texts_has_its_id_in_words() -> None:
    definition = parse_catalogue(RULE).get("three_up")
    assert (definition.title, definition.words.sentence, definition.words.entry) == ("Three up", None, {})


def test_texts_are_no_part_of_the_version_and_part_of_the_digest() -> None:
    plain, said = parse_catalogue(RULE), parse_catalogue(SAID)
    other = parse_catalogue(SAID.replace("moved", "went"))
    assert said.get("three_up").title == "Up 3 %"
    assert len({each.get("three_up").version for each in (plain, said, other)}) == 1
    assert len({each.digest for each in (plain, said, other)}) == 3
    assert len({each.meaning_digest for each in (plain, said, other)}) == 1


def test_a_mark_of_the_same_meaning_asks_for_it() -> None:
    plain, said = parse_catalogue(RULE), parse_catalogue(SAID)
    assert plain.mark in said.marks
    assert said.mark not in plain.marks


def test_a_stored_definition_keeps_its_texts() -> None:
    definition = parse_catalogue(SAID).get("three_up")
    stored = stored_definition(definition.entry, definition.version)
    assert stored is not None
    assert stored.definition == definition


def test_texts_that_this_release_cannot_read_do_not_end_what_is_open() -> None:
    definition = parse_catalogue(SAID).get("three_up")
    stored = stored_definition({**definition.entry, "sentence": "{of_a_later_release}"}, definition.version)
    assert stored is not None
    assert stored.definition.title == "Three up"
    assert stored.definition.version == definition.version


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('sentence = "{return_1d}"', "definition 'three_up': {return_1d} is nothing that its events carry"),
        ('title = "{numerator} up"', "definition 'three_up': '{numerator} up': a title"),
        ('title = ""', "title"),
    ],
)
def test_a_text_that_cannot_be_filled_is_refused_with_its_entry(line: str, message: str) -> None:
    with pytest.raises(CatalogueError) as error:
        parse_catalogue(RULE + line)
    assert message in error.value.message
    assert error.value.operator_action


def test_every_shipped_definition_has_a_title_and_a_sentence_of_its_own_values() -> None:
    titles = [each.title for each in SHIPPED.definitions]
    assert len(titles) == 69
    assert len(set(titles)) == len(titles)
    assert max(map(len, titles)) <= 80
    for each in SHIPPED.definitions:
        assert set(each.words.entry) == {"title", "sentence"}
        assert each.words.sentence is not None
        assert each.definition_id == "leg_unknown" or each.words.sentence.names
