"""Which stored base rates and rarity were made for definitions that have changed since.

Events find theirs by the version of their definition. A file of an earlier version is no mistake,
but events of that definition go without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from core.definitions.catalogue import Catalogue
from core.events.artefacts import Artefacts
from core.events.cards import Key
from core.model.settings import Settings

_MOST_NAMES: Final = 5
_COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {"base_rates_file": "base-rates", "rarity_file": "nulls"}
)
"""Setting → the study that makes its file."""


class OutdatedFile(NamedTuple):
    """A file that no longer speaks of some definitions.

    Args:
        setting: That names it.
        text: Which definitions.
        operator_action: The command that makes it anew.
    """

    setting: str
    text: str
    operator_action: str


def outdated_files(settings: Settings, found: Artefacts, catalogue: Catalogue) -> list[OutdatedFile]:
    """Look for cards of versions that are no longer in force.

    Args:
        settings: Name the files.
        found: What stands in them.
        catalogue: The definitions in force.

    Returns:
        One entry a file, none where every card can still be found.
    """
    results: list[OutdatedFile] = []
    files = (
        ("base_rates_file", settings.base_rates_file, found.cards),
        ("rarity_file", settings.rarity_file, found.rarities),
    )
    for setting, file, cards in files:
        changed = [] if cards is None else changed_definitions(cards.cards, catalogue)
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


def _outdated(setting: str, file: Path, changed: list[str], catalogue_file: Path | None) -> OutdatedFile:
    more = f" and {len(changed) - _MOST_NAMES} more" if len(changed) > _MOST_NAMES else ""
    names = ", ".join(changed[:_MOST_NAMES]) + more
    signals = "" if catalogue_file is None else f" --signals {catalogue_file}"
    return OutdatedFile(
        setting,
        f"{file} was made under earlier versions of {names}: their events go without it",
        f"make it anew: rotascope study {_COMMANDS[setting]} --bars SYMBOL=FILE … --pair PAIR …{signals}"
        f" --store {file}",
    )
