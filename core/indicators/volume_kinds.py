"""Which volume a figure rests on: published by a vendor, or summed from trades received live.

Live trades sum up to less than the published volume (on Alpaca's tape by 11 to 17 %: trades of extended
hours and late reports are not in it), so a comparison of one with an average of the other is biased.
Every day says of each leg which it has, and a value that rests on volume says so in its quality:

    ok             published volumes only, as in daily files
    traded_volume  sums of trades only
    mixed_volume   both

All three are known values.
"""

from __future__ import annotations

from core.kernels.codes import MIXED_VOLUME, NO_VOLUME, OK, TRADED_VOLUME
from core.kernels.jit import inlined


@inlined
def volume_reason(volume):
    """Why a volume is unknown, OK if it is known: zero is recorded where nothing was."""
    if volume > 0:
        return OK
    return NO_VOLUME if volume == 0 else -volume


@inlined
def volume_quality(volumes, traded):
    """Quality of a value that rests on a number of known volumes, of which some were summed from trades."""
    if traded == 0:
        return OK
    return TRADED_VOLUME if traded == volumes else MIXED_VOLUME
