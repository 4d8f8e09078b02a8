"""core.model.watched_pairs: a name that the universe does not have is refused, with the nearest one."""

from __future__ import annotations

import pytest

from core.model.errors import ConfigurationError
from core.model.instruments import parse_universe
from core.model.settings import MetricsSettings
from core.model.watched_pairs import check_watched
from core.runtime.files import UNIVERSE, read_text


def test_known_pairs_and_none_are_accepted() -> None:
    universe = parse_universe(read_text(None, UNIVERSE))
    for pairs in ((), ("RUT/SPX",), ("RUT/SPX", "RUT/SPX")):
        settings = MetricsSettings(watched_pairs=pairs)
        check_watched(settings, universe)
        assert settings.watched_pairs == pairs


def test_each_unknown_pair_is_named_with_the_nearest() -> None:
    universe = parse_universe(read_text(None, UNIVERSE))
    with pytest.raises(ConfigurationError) as raised:
        check_watched(MetricsSettings(watched_pairs=("RUT/SPY", "RUT/SPX", "relative_1d_pp")), universe)
    message = raised.value.message
    assert message.startswith(
        "metrics.watched_pairs: the universe has no pair 'RUT/SPY'; did you mean 'RUT/SPX'"
    )
    assert "no pair 'relative_1d_pp'" in message
    assert "'RUT/SPX';" not in message.split("did you mean")[0]
    assert raised.value.operator_action == "correct the name, or add the pair to the universe"
