"""What a number means: units, thresholds and texts, the same on every dashboard.

Blue is ahead and orange is behind, because neither is good or bad and both can be told apart by everybody.
Green, yellow and red are kept for the state of the system: in order, look, act.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.models import dashboard as model

AHEAD: Final = "blue"
BEHIND: Final = "orange"
PLAIN: Final = "text"
IN_ORDER: Final = "green"
LOOK: Final = "yellow"
ACT: Final = "red"
QUIET: Final = "#8e8e8e"

PERCENT: Final = "percent"
DEVIATIONS: Final = "suffix: σ"
TIMES: Final = "suffix: ×"
BASIS_POINTS: Final = "suffix: bp"
RANK: Final = "none"
COUNT: Final = "short"
NUMBER: Final = "none"
SECONDS: Final = "s"
BYTES: Final = "bytes"
BYTES_A_SECOND: Final = "Bps"
A_SECOND: Final = "cps"
SHARE: Final = "percentunit"
MOMENT: Final = "dateTimeAsIso"
"""Milliseconds since 1970, as Grafana takes them."""

Steps = tuple[tuple[float | None, str], ...]
"""(from this value on, colour); the first has no value."""

NONE: Final[Steps] = ((None, PLAIN),)
SIDE: Final[Steps] = ((None, BEHIND), (0.0, AHEAD))
"""Behind below zero, ahead above."""
UNUSUAL: Final[Steps] = ((None, BEHIND), (-2.0, PLAIN), (2.0, AHEAD))
"""Beyond two standard deviations: about one session in twenty."""
RANK_OF_A_YEAR: Final[Steps] = ((None, BEHIND), (10.0, PLAIN), (90.0, AHEAD))
"""The lowest and the highest tenth of a year."""
RSI: Final[Steps] = ((None, BEHIND), (30.0, PLAIN), (70.0, AHEAD))
"""30 and 70: the customary limits of Wilder's index."""
LAG_SECONDS: Final[Steps] = ((None, IN_ORDER), (30.0, LOOK), (120.0, ACT))
"""30 seconds and two minutes, the two limits at which Rotascope counts as behind."""
ANY_IS_WRONG: Final[Steps] = ((None, IN_ORDER), (1.0, ACT))
ANY_IS_WORTH_A_LOOK: Final[Steps] = ((None, IN_ORDER), (1.0, LOOK))
ALL_READY: Final[Steps] = ((None, ACT), (1.0, IN_ORDER))
SILENCE_SECONDS: Final[Steps] = ((None, IN_ORDER), (30.0, LOOK), (120.0, ACT))
COMMIT_AGE_SECONDS: Final[Steps] = ((None, IN_ORDER), (60.0, LOOK), (300.0, ACT))
SNAPSHOT_AGE_SECONDS: Final[Steps] = ((None, IN_ORDER), (1_800.0, LOOK), (7_200.0, ACT))

Texts = Mapping[str, tuple[str, str]]
"""value → (text, colour)."""

YES_NO: Final[Texts] = {"0": ("no", ACT), "1": ("yes", IN_ORDER)}
SESSION: Final[Texts] = {"0": ("closed", QUIET), "1": ("open", IN_ORDER)}
TREND: Final[Texts] = {"-1": ("down", BEHIND), "0": ("neither", PLAIN), "1": ("up", AHEAD)}
VOLATILITY: Final[Texts] = {"-1": ("low", AHEAD), "0": ("usual", PLAIN), "1": ("high", BEHIND)}
EPISODE: Final[Texts] = {
    "1": ("candidate", "yellow"),
    "2": ("opened", "blue"),
    "3": ("confirmed", "purple"),
}
PARTITION: Final[Texts] = {
    "1": ("assigned", ACT),
    "2": ("restoring", LOOK),
    "3": ("running", IN_ORDER),
}


def thresholds(steps: Steps) -> model.ThresholdsConfig:
    """Return steps as Grafana takes them."""
    return model.ThresholdsConfig(
        mode=model.ThresholdsMode.ABSOLUTE, steps=[model.Threshold(value, colour) for value, colour in steps]
    )


def mappings(texts: Texts) -> list[model.ValueMapping]:
    """Return texts as Grafana takes them."""
    if not texts:
        return []
    options = {
        value: model.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(texts.items())
    }
    return [model.ValueMap(options=options)]
