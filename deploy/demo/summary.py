"""Formats the summary of a run as lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from consumers.inspect.event_lines import summary as summary_of_event
from core.model.timestamps import rfc3339
from core.model.topics import DEAD_LETTERS_TOPIC
from deploy.demo.episodes import Episode
from deploy.demo.progress import Summary
from deploy.demo.readings import ReadEvent
from deploy.demo.story import how_often, rarity_order, what_happened, when

RAREST: Final = 3
"""Events that a summary leads with."""
_OPENED_ROW: Final = "    {time:<17} {pair:<9} {what}"
_CLOCK_LETTERS: Final = len("14:34")


def summary_lines(summary: Summary) -> Iterator[str]:
    """Yield the lines of a summary: the rarest events, then figures, then every event by definition."""
    yield from _rarest_lines(summary.episodes)
    rate = summary.trades / max(summary.played_s, 1e-9)
    states = Counter(event.data["state"] for event in summary.transitions)
    yield "Summary"
    yield (
        f"  played    {summary.trades:,} trades of {len(summary.symbols)} instruments, "
        f"{rfc3339(summary.first_ns)} to {rfc3339(summary.last_ns)}, in {summary.played_s:.1f} s "
        f"({rate:,.0f} trades/s)"
    )
    yield (
        f"  processed {summary.ticks:,} ticks in {summary.frames:,} frames over {summary.partitions} "
        f"partitions ({summary.ticks_per_s:,.0f} ticks/s; history, clock marks and "
        "benchmark copies included)"
    )
    yield (
        f"  events    {len(summary.transitions)} transitions of {len(summary.episodes)} events: "
        + ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    )
    yield f"  refused   {_refused(summary)}"
    yield (
        f"  looked up base rates for {_with(summary.transitions, 'base_rate')} and rarity for "
        f"{_with(summary.transitions, 'rarity')} of {len(summary.transitions)} transitions"
    )
    yield f"  metrics   at {summary.metrics_url}"
    yield f"  took      {summary.wall_s:.1f} s"
    yield ""
    yield "Events by definition, times in UTC; a date without time refers to that day's close"
    for definition, group in groupby(summary.episodes, key=lambda episode: episode.definition):
        yield f"  {definition}"
        yield from _definition_lines(list(group))


def rarest(episodes: Sequence[Episode], number: int = RAREST) -> list[Mapping[str, Any]]:
    """Return the openings whose definitions opened least often a year on their pairs, rarest first."""
    opened = [episode.opened for episode in episodes if episode.opened is not None]
    return sorted(opened, key=lambda data: (rarity_order(data), data["knowable_time"]))[:number]


def _rarest_lines(episodes: Sequence[Episode]) -> Iterator[str]:
    chosen = rarest(episodes)
    if not chosen:
        return
    yield "Rarest events, by how often the definition opened on the pair before"
    for data in chosen:
        what = f"{how_often(data):<12} {summary_of_event(data)}"
        yield _OPENED_ROW.format(time=when(data), pair=data["pair"], what=what)
    yield ""


def _refused(summary: Summary) -> str:
    """Word the dead letters: which program refused how much, and why."""
    found = [
        f"{program}: {reason} {count:,}"
        for program, reasons in summary.dead_letters.items()
        for reason, count in reasons.items()
    ]
    return f"{', '.join(found)}; each is in {DEAD_LETTERS_TOPIC}" if found else "nothing: no dead letters"


def _definition_lines(episodes: Sequence[Episode]) -> Iterator[str]:
    """Yield opened events in full, the others in short form."""
    for episode in episodes:
        if episode.opened is not None:
            what = "; ".join(_opened(episode, episode.opened))
            yield _OPENED_ROW.format(time=when(episode.opened), pair=episode.pair, what=what)
    others = [episode for episode in episodes if episode.opened is None]
    if others:
        yield "    not opened: " + ", ".join(_other(episode) for episode in others)


def _opened(episode: Episode, opened: Mapping[str, Any]) -> Iterator[str]:
    yield what_happened(opened)
    yield how_often(opened)
    if episode.candidate is not None:
        yield f"candidate at {when(episode.candidate)[-_CLOCK_LETTERS:]}"
    if episode.ended is not None:
        yield f"{episode.ended['state']} {when(episode.ended)}"


def _other(episode: Episode) -> str:
    if episode.candidate is None:
        return f"{episode.pair} from the history ({episode.last['state']} {when(episode.last)})"
    return f"{episode.pair} {when(episode.candidate)} ({episode.last['state']})"


def summary_record(summary: Summary) -> dict[str, Any]:
    """Return a summary as one JSON object."""
    return {
        "trades": summary.trades,
        "symbols": list(summary.symbols),
        "first_event_time": rfc3339(summary.first_ns),
        "last_event_time": rfc3339(summary.last_ns),
        "played_seconds": round(summary.played_s, 3),
        "ticks": summary.ticks,
        "ticks_per_second": round(summary.ticks_per_s),
        "frames": summary.frames,
        "partitions": summary.partitions,
        "transitions": len(summary.transitions),
        "events": len(summary.episodes),
        "transitions_with_base_rate": _with(summary.transitions, "base_rate"),
        "transitions_with_rarity": _with(summary.transitions, "rarity"),
        "opened": _opened_by_definition(summary.episodes),
        "rarest": [_rare_record(data) for data in rarest(summary.episodes)],
        "dead_letters": {program: dict(reasons) for program, reasons in summary.dead_letters.items()},
        "metrics_url": summary.metrics_url,
        "wall_seconds": round(summary.wall_s, 3),
    }


def _rare_record(data: Mapping[str, Any]) -> dict[str, Any]:
    names = ("definition", "pair", "event_time", "summary", "openings_per_year")
    return {name: data[name] for name in names}


def _with(transitions: Sequence[ReadEvent], key: str) -> int:
    return sum(each.data[key] is not None for each in transitions)


def _opened_by_definition(episodes: Sequence[Episode]) -> dict[str, list[dict[str, str]]]:
    opened: dict[str, list[dict[str, str]]] = {}
    for episode in episodes:
        if episode.opened is not None:
            entry = {"pair": episode.pair, "event_time": str(episode.opened["event_time"])}
            opened.setdefault(episode.definition, []).append(entry)
    return opened
