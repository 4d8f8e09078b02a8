"""Which stored base rates and rarity no event will find.

Events find theirs by pair and by the version of their definition. A file of an earlier version is no mistake,
but events of that definition go without; a file without any pair of the universe is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from core.definitions.catalogue import Catalogue
from core.events.artefact_set import ArtefactSet
from core.events.cards import Cards, Key
from core.model.instruments import Universe
from core.model.settings import Settings

_MOST_NAMES: Final = 5
_COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {"base_rates_file": "base-rates", "rarity_file": "nulls"}
)
"""Setting → the study that makes its file."""


class UselessFile(NamedTuple):
    """A file that has no cards of some definitions, or of every pair.

    Args:
        setting: That names it.
        text: What it lacks.
        operator_action: The command that makes it anew.
    """

    setting: str
    text: str
    operator_action: str


def strange_files(settings: Settings, found: ArtefactSet, universe: Universe) -> list[UselessFile]:
    """Look for files that have cards, and none of a pair of the universe.

    Args:
        settings: Name the files.
        found: What stands in them.
        universe: The pairs whose events look for cards.

    Returns:
        One entry a file, none where every file has cards of some pair.
    """
    pairs = {pair.name for pair in universe.pairs}
    results: list[UselessFile] = []
    for setting, file, cards in _files(settings, found):
        own = {pair for _, _, pair in cards.cards}
        if file is not None and not own & pairs:
            named = ", ".join(sorted(own)[:_MOST_NAMES]) or "no pair at all"
            results.append(
                UselessFile(
                    setting,
                    f"{file} has cards of {named}, and of no pair of the universe: no event would find one",
                    "make it for pairs of the universe, named as there ('rotascope study prepare'), or "
                    "remove the setting",
                )
            )
    return results


def _files(settings: Settings, found: ArtefactSet) -> tuple[tuple[str, Path | None, Cards], ...]:
    return (
        ("base_rates_file", settings.base_rates_file, found.rates),
        ("rarity_file", settings.rarity_file, found.rarities),
    )


def outdated_files(settings: Settings, found: ArtefactSet, catalogue: Catalogue) -> list[UselessFile]:
    """Look for cards of versions that are no longer in force.

    Args:
        settings: Name the files.
        found: What stands in them.
        catalogue: The definitions in force.

    Returns:
        One entry a file, none where every card can still be found.
    """
    results: list[UselessFile] = []
    for setting, file, cards in _files(settings, found):
        changed = changed_definitions(cards.cards, catalogue)
        if file is not None and changed:
            results.append(_outdated(setting, file, changed, settings.catalogue_file))
    return results


def changed_definitions(keys: Iterable[Key], catalogue: Catalogue) -> list[str]:
    """Give the definitions of the catalogue that have cards, but none of their present version."""
    versions: dict[str, set[str]] = {}
    for definition_id, version, _ in keys:
        versions.setdefault(definition_id, set()).add(version)
    return [
        each.definition_id
        for each in catalogue.definitions
        if each.definition_id in versions and each.version not in versions[each.definition_id]
    ]


def _outdated(setting: str, file: Path, changed: list[str], catalogue_file: Path | None) -> UselessFile:
    more = f" and {len(changed) - _MOST_NAMES} more" if len(changed) > _MOST_NAMES else ""
    names = ", ".join(changed[:_MOST_NAMES]) + more
    signals = "" if catalogue_file is None else f" --signals {catalogue_file}"
    return UselessFile(
        setting,
        f"{file} was made under earlier versions of {names}: their events go without it",
        f"make it anew: rotascope study {_COMMANDS[setting]} --bars SYMBOL=FILE … --pair PAIR …{signals}"
        f" --store {file}",
    )
