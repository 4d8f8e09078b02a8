"""Checks the list of pairs that metrics always show."""

from __future__ import annotations

from core.model.errors import ConfigurationError
from core.model.instruments import Universe
from core.model.settings import MetricsSettings
from core.model.suggestions import nearest


def check_watched(settings: MetricsSettings, universe: Universe) -> None:
    """Refuse a list that names pairs which the universe does not have.

    Args:
        settings: Holds the list.
        universe: The pairs.

    Raises:
        ConfigurationError: It names each unknown pair, with the nearest known ones.
    """
    known = [pair.name for pair in universe.pairs]
    unknown = [name for name in dict.fromkeys(settings.watched_pairs) if name not in known]
    if unknown:
        raise ConfigurationError(
            "metrics.watched_pairs: "
            + "; ".join(
                f"the universe has no pair {name!r}{nearest(name, known, list_all=True)}" for name in unknown
            ),
            operator_action="correct the name, or add the pair to the universe",
        )
