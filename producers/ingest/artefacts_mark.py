"""An artefacts mark: the place in the log from which events carry another set of base rates and rarity."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from core.events.artefact_set import NO_SET, ArtefactSet
from core.kafka.artefact_topic import published_sets
from core.kafka.artefacts_in_force import mark_artefacts, put_in_force, require_known_pairs
from core.model.errors import ConfigurationError
from core.model.instruments import Universe
from core.model.settings import Settings
from core.runtime.artefact_files import read_cards, read_set

_LEAST_DIGITS: Final = 8


class Choice(NamedTuple):
    """Which set an operator asks for; one of them.

    Args:
        artefacts: File of `rotascope study prepare --store`.
        base_rates: File of `rotascope study base-rates --store`.
        rarity: File of `rotascope study nulls --store`; may go with `base_rates`.
        digest: First digits of a published set's digest.
        none: No set.
    """

    artefacts: Path | None = None
    base_rates: Path | None = None
    rarity: Path | None = None
    digest: str | None = None
    none: bool = False


def run_artefacts_mark(
    choice: Choice, universe: Universe, settings: Settings, *, ts_ns: int, epoch: int
) -> str:
    """Publish the chosen set if it is not published, and mark the log.

    Args:
        choice: The set; without any the one of the settings' base_rates_file and rarity_file.
        universe: Contains the source of the daily history, and the pairs.
        settings: Broker, source, files.
        ts_ns: Wall time of the mark, ns UTC.
        epoch: Producer epoch: higher than that of any earlier run of the source.

    Returns:
        What was done, in a sentence.

    Raises:
        ConfigurationError: More than one set is chosen, none, or one without a pair of the universe.
        InputError: A file is not one of base rates, rarity or both.
        TransportError: The broker does not acknowledge a record.
    """
    _require_one(choice)
    if choice.none:
        partitions = mark_artefacts(NO_SET, universe, settings, ts_ns=ts_ns, epoch=epoch)
        return f"no base rates and no rarity are in force from here, {_where(partitions, settings)}"
    one = _of_files(choice, settings) if choice.digest is None else _published(choice.digest, settings)
    known = require_known_pairs(one, universe)
    written, partitions = put_in_force(one, universe, settings, ts_ns=ts_ns, epoch=epoch)
    return (
        f"set {one.digest[:16]} is in force from here, {_where(partitions, settings)}: base rates of "
        f"{len(one.rates.cards):,} and rarity of {len(one.rarities.cards):,} definitions and pairs, for "
        f"{known} of {len(universe.pairs)} pairs of the universe; published "
        + ("now" if written else "before")
    )


def _where(partitions: int, settings: Settings) -> str:
    return f"in {partitions} partitions of {settings.kafka.ticks_topic}"


def _require_one(choice: Choice) -> None:
    kinds = {
        "--artefacts": choice.artefacts is not None,
        "--base-rates or --rarity": choice.base_rates is not None or choice.rarity is not None,
        "--digest": choice.digest is not None,
        "--none": choice.none,
    }
    named = [name for name, given in kinds.items() if given]
    if len(named) > 1:
        raise ConfigurationError(
            f"{' and '.join(named)} name different sets", operator_action="pass one of them"
        )


def _of_files(choice: Choice, settings: Settings) -> ArtefactSet:
    if choice.artefacts is not None:
        return read_set(choice.artefacts)
    if choice.base_rates is not None or choice.rarity is not None:
        found = read_cards(choice.base_rates, choice.rarity)
    else:
        found = read_cards(settings.base_rates_file, settings.rarity_file)
    if found is None:
        raise ConfigurationError(
            "no set of base rates and rarity is named",
            operator_action="pass --artefacts FILE, --base-rates FILE, --rarity FILE, --digest DIGEST or "
            "--none, or set base_rates_file and rarity_file",
        )
    return found


def _published(digest: str, settings: Settings) -> ArtefactSet:
    sets = published_sets(settings.kafka).by_mark.values()
    named = [one for one in sets if one.manifest.digest.startswith(digest.lower())]
    if len(digest) < _LEAST_DIGITS or len(named) != 1:
        there = ", ".join(one.manifest.digest[:16] for one in sets) or "none"
        raise ConfigurationError(
            f"--digest {digest!r} names no published set"
            if len(named) != 1
            else f"--digest {digest!r} has fewer than {_LEAST_DIGITS} digits",
            operator_action=f"pass the first digits of a published set: {there}",
        )
    return named[0].parse()
