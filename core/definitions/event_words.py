"""Title and sentence of a definition: what its events say to a reader.

They decide nothing: a definition with other words has the same version and keeps its episodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.definitions.entry_table import refusal
from core.definitions.rule_entry import RuleText
from core.definitions.rules import known_outputs
from core.definitions.sentence import Sentence, parse_sentence, parse_title, title_of_id
from core.model.errors import CatalogueError

WORD_KEYS: Final = ("title", "sentence")
"""Their keys in an entry of a catalogue file."""


@dataclass(frozen=True, slots=True)
class EventWords:
    """Words of a definition.

    Args:
        title: What it looks for, on any pair.
        sentence: What happened, with placeholders; None: its events list their values.
        given_title: The title as the catalogue writes it; None if it follows from the id.
    """

    title: str
    sentence: Sentence | None
    given_title: str | None

    @property
    def entry(self) -> dict[str, Any]:
        """Its keys in an entry of a catalogue file; without those that were not given."""
        sentence = None if self.sentence is None else self.sentence.text
        given = {"title": self.given_title, "sentence": sentence}
        return {key: text for key, text in given.items() if text is not None}


def read_words(where: str, entry: Mapping[str, Any], rule: RuleText) -> EventWords:
    """Read title and sentence of an entry.

    Args:
        where: Name of the entry in errors.
        entry: The entry; other keys are ignored.
        rule: What the entry's other keys say.

    Raises:
        CatalogueError: A placeholder is unknown; the message suggests the nearest name.
    """
    outputs = known_outputs()
    dates = {name for name, key in rule.payload.items() if outputs[key][0].is_session}
    title, sentence = entry.get("title"), entry.get("sentence")
    try:
        return EventWords(
            title=title_of_id(entry["id"]) if title is None else parse_title(title, rule.threshold),
            sentence=None
            if sentence is None
            else parse_sentence(sentence, rule.payload, dates=dates, thresholds=rule.threshold),
            given_title=title,
        )
    except CatalogueError as error:
        raise refusal(f"{where}: {error.message}", error.operator_action) from error
