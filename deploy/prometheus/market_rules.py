"""Prometheus rules that make alerts of market events.

A *point* definition, such as a day of opposite moves, ends with its opening. Its alert fires for
`OPENING_SHOWN` after the opening of that pair. The time of the pair's last opening tells which pair opened;
the counter of openings tells that it happened now, and not before Prometheus began or came back.

Every other definition has episodes. Its alert fires while the episode is open.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import yaml

from core.model.errors import ConfigurationError

if TYPE_CHECKING:
    from core.definitions.definition import Definition

EVENT_ALERT: Final = "RotascopeMarketEvent"
BLIND_ALERT: Final = "RotascopeMarketAlertBlind"
OPENING_SHOWN: Final = "10m"
BLIND_AFTER: Final = "15m"
RUNBOOK: Final = "docs/runbook.md"

_SERIES: Final = "deployment, pair, definition"
_HEAD: Final = """\
# Written by `rotascope alerts rules`. Change the definitions or pairs there and write it again.
"""


def market_rules(definitions: Sequence[Definition], pairs: Sequence[str]) -> str:
    """Return a Prometheus rule file with an alert for each definition and pair.

    Args:
        definitions: What to be told of.
        pairs: Names of pairs; empty for one rule a definition that covers every pair.

    Raises:
        ConfigurationError: A definition does not watch one of the pairs.
    """
    for definition in definitions:
        _require_watched(definition, pairs)
    each_pair: Sequence[str | None] = pairs or (None,)
    rules = [_event_rule(definition, pair) for definition in definitions for pair in each_pair]
    rules += _blind_rules(definitions, pairs)
    document = {"groups": [{"name": "rotascope_market", "rules": rules}]}
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return _HEAD + text


def _require_watched(definition: Definition, pairs: Sequence[str]) -> None:
    outside = [pair for pair in pairs if definition.pairs and pair not in definition.pairs]
    if outside:
        raise ConfigurationError(
            f"definition {definition.definition_id!r} watches {', '.join(definition.pairs)} only, "
            f"and never opens on {', '.join(outside)}",
            operator_action="leave out --pair, or add the pair to the definition in the catalogue",
        )


def _event_rule(definition: Definition, pair: str | None) -> dict[str, Any]:
    labels = {"definition": definition.definition_id, **({"pair": pair} if pair is not None else {})}
    title = _literal(definition.title)
    name, of = definition.definition_id, "{{ $labels.pair }}"
    happened = f"opened on {of} at" if definition.point else f"is open on {of} since"
    return {
        "alert": EVENT_ALERT,
        "expr": _opening(labels) if definition.point else _episode(labels),
        "labels": {"severity": "market", **{name: _literal(text) for name, text in labels.items()}},
        "annotations": {
            "title": title,
            "summary": f"{of}: {title}",
            "description": f"{name} {happened} {{{{ $value | humanizeTimestamp }}}}, time of the market.\n"
            f"Figures and rarity: rotascope events tail --until-end --pair {of} --definition {name}",
            "runbook_url": _runbook(EVENT_ALERT),
        },
    }


def _opening(labels: Mapping[str, str]) -> str:
    """The pair's last opening, if it is not that of `OPENING_SHOWN` ago and openings were counted since."""
    last = f"rotascope_event_last_opening_timestamp_seconds{_matching(labels)}"
    definition = labels["definition"]
    counted = _matching({"definition": definition, "state": "opened"})
    return (
        "(\n"
        f"  max by ({_SERIES}) ({last})\n"
        "  unless\n"
        f"  max by ({_SERIES}) ({last} offset {OPENING_SHOWN})\n"
        f"  == max by ({_SERIES}) ({last})\n"
        ")\n"
        "and on (deployment, definition)\n"
        f"sum by (deployment, definition) "
        f"(increase(rotascope_event_transitions_total{counted}[{OPENING_SHOWN}])) > 0\n"
    )


def _episode(labels: Mapping[str, str]) -> str:
    opened = _matching(labels).removesuffix("}") + ',state=~"opened|confirmed"}'
    return (
        f"max by ({_SERIES}) (rotascope_event_begin_timestamp_seconds{_matching(labels)})\n"
        f"and on ({_SERIES})\n"
        f"rotascope_event_open{opened}\n"
    )


def _blind_rules(definitions: Sequence[Definition], pairs: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the alerts that tell that one of the others can never come."""
    for definition in definitions:
        of = {"definition": definition.definition_id}
        what = f"No worker evaluates the definition {definition.definition_id}"
        yield _blind_rule("rotascope_definition_info", of, what)
    for pair in pairs:
        yield _blind_rule(
            "rotascope_value_timestamp_seconds",
            {"pair": pair},
            f"No worker shows the pair {_literal(pair)} in its metrics",
        )


def _blind_rule(metric: str, labels: Mapping[str, str], what: str) -> dict[str, Any]:
    return {
        "alert": BLIND_ALERT,
        "expr": f"absent({metric}{_matching(labels)})",
        "for": BLIND_AFTER,
        "labels": {"severity": "warning", **{name: _literal(text) for name, text in labels.items()}},
        "annotations": {
            "summary": f"{what}; its market alerts cannot come",
            "description": f"{what}.\n"
            "Operator action: see whether the workers run, with the universe, the catalogue and "
            "metrics.watched_pairs that these alerts were made for.",
            "runbook_url": _runbook(BLIND_ALERT),
        },
    }


def _runbook(alert: str) -> str:
    return f"{RUNBOOK}#{alert.lower()}"


def _matching(labels: Mapping[str, str]) -> str:
    """Give a selector of exactly these labels.

    Example:
        >>> _matching({"pair": "RUT/SPX"})
        '{pair="RUT/SPX"}'
    """
    # A string of JSON is one of PromQL.
    return (
        "{"
        + ",".join(f"{name}={json.dumps(text, ensure_ascii=False)}" for name, text in labels.items())
        + "}"
    )


def _literal(text: str) -> str:
    """Give a text as it stands to Prometheus, which takes two braces for the begin of a template."""
    return text.replace("{{", '{{ "{{" }}')


class _Dumper(yaml.SafeDumper):  # type: ignore[misc] # PyYAML has no types
    """Writes expressions over several lines as people do."""


def _represent(dumper: yaml.SafeDumper, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent)
