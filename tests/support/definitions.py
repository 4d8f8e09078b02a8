"""Entries of a catalogue that several tests use."""

from __future__ import annotations


def opposite_day(name: str, *, least_pct: float = 3.0, up: bool = True, more: str = "") -> str:
    """The numerator moves by at least so much while the benchmark goes the other way.

    Args:
        name: Id of the definition.
        least_pct: Least move, in percent.
        up: The numerator rises; otherwise it falls.
        more: Further lines of the entry.
    """
    sign, own, other = (1, ">=", "< 0") if up else (-1, "<=", "> 0")
    return (
        f'[[definition]]\nid = "{name}"\nfamily = "divergence"\npoint = true\n'
        f'enter = ["instrument_return_pct:1d {own} {sign * least_pct}", "benchmark_return_pct:1d {other}"]\n'
        'show.instrument_return_pct = "instrument_return_pct:1d"\n'
        'show.benchmark_return_pct = "benchmark_return_pct:1d"\n'
        'show.spread_pp = "relative_strength_pp:1d"\n'
        f"threshold = {{ instrument_return_pct = {sign * least_pct} }}\n{more}\n"
    )
