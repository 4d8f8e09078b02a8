"""An epoch that is not higher than the last is refused before workers drop its frames."""

from __future__ import annotations

import pytest

from core.model.errors import ConfigurationError
from producers.ingest.predecessor import check_epoch


@pytest.mark.parametrize("predecessor", [None, 6])
def test_a_higher_epoch_may_follow(predecessor: int | None) -> None:
    check_epoch(predecessor, 7, "alpaca")
    with pytest.raises(ConfigurationError):
        check_epoch(7, 7, "alpaca")


@pytest.mark.parametrize("epoch", [6, 7])
def test_an_epoch_that_is_not_higher_is_refused(epoch: int) -> None:
    with pytest.raises(ConfigurationError, match=f"epoch {epoch} of source alpaca is not higher than 7"):
        check_epoch(7, epoch, "alpaca")
