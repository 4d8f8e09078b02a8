"""What every shipped rule promises, over the shipped catalogue."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import pytest

from core.definitions.answers import CONFIRM, ENTER, EXTEND, FADE, INVALID, LEAVE, Answers, allocate_answers
from core.definitions.catalogue import parse_catalogue
from core.definitions.definition import Definition
from core.definitions.rule_entry import RuleText
from core.definitions.rule_pass import RulePass
from core.definitions.rules import Atom, Condition, Operator, atoms_of, known_outputs, value_name
from core.kernels.codes import USABLE
from core.model.records import EventState, Frequency, Quality

SHIPPED = (resources.files("core") / "data" / "catalogue.toml").read_text(encoding="utf-8")
ENTRIES = {entry["id"]: entry for entry in tomllib.loads(SHIPPED)["definition"]}
CATALOGUE = parse_catalogue(SHIPPED)
RULES = {d.definition_id: d for d in CATALOGUE.definitions}
KEYS = list(known_outputs())
REASONS = [quality for quality in Quality if quality not in USABLE]
NUMBER = re.compile(r"(?<=[=<> *])-?\d+(?:\.\d+)?$")

over_rules = pytest.mark.parametrize("definition", RULES.values(), ids=list(RULES))


def rule_of(definition: Definition) -> RuleText:
    return definition.rule


class Outputs(NamedTuple):
    """Every output of one pair."""

    values: np.ndarray
    quality: np.ndarray


def ask(definition: Definition, outputs: Outputs, level: float = 0.0) -> Answers:
    """What the rule says of one pair whose outputs are these."""
    answers = allocate_answers(1, 1)
    answers.results.fill(77)
    RulePass([(0, rule_of(definition))], KEYS.index).ask(
        outputs.values[:, None],
        outputs.quality[:, None],
        np.zeros(1, np.int32),
        np.full((1, 1), level),
        answers,
        provisional=False,
    )
    return answers


def near(atom: Atom, step: float) -> float:
    """A value of the atom's left side at, above or below its number."""
    if atom.operator is Operator.HAS:
        return atom.factor if step >= 0 else 0.0
    mark = 100.0 * atom.factor if atom.right is not None else atom.factor
    return mark + step * (1.0 if atom.right is None else 10.0)


def settings(*conditions: Condition | None) -> Iterator[Outputs]:
    """All outputs, with those that the conditions look at around their numbers."""
    atoms = [atom for condition in conditions for clause in condition or () for atom in clause]
    for steps in itertools.product((0.0, 1.0, -1.0), repeat=len(atoms)):
        values, quality = np.full(len(KEYS), 100.0), np.zeros(len(KEYS), np.uint8)
        for atom, step in zip(atoms, steps, strict=True):
            if atom.form == "quality":
                quality[KEYS.index(atom.left)] = atom.factor if step == 0.0 else Quality.OK
            else:
                values[KEYS.index(atom.left)] = near(atom, step)
        yield Outputs(values, quality)


def opening(definition: Definition) -> Outputs:
    """Outputs that open an episode, and do not end it at once."""
    rule = rule_of(definition)
    asked = {atom.left for clause in rule.enter for atom in clause}
    others = tuple(
        (atom,) for atom in atoms_of(rule.leave, rule.fade) if atom.left not in asked and atom.form == ""
    )
    for outputs in settings(others, rule.enter):
        said = ask(definition, outputs).results[:, 0, 0]
        if said[ENTER] == 1 and said[LEAVE] != 1 and said[FADE] != 1:
            return outputs
    raise AssertionError(f"{definition.definition_id} ends as it opens")


def some(definition: Definition, question: int, *conditions: Condition | None, answer: int = 1) -> Outputs:
    """Outputs with which the rule gives this answer."""
    for outputs in settings(*conditions):
        if ask(definition, outputs).results[question, 0, 0] == answer:
            return outputs
    raise AssertionError(f"{definition.definition_id}: nothing gives {answer} to question {question}")


@over_rules
def test_it_can_open_and_need_not(definition: Definition) -> None:
    rule = rule_of(definition)
    for answer in (1, 0):
        outputs = some(definition, ENTER, rule.enter, answer=answer)
        assert ask(definition, outputs).results[ENTER, 0, 0] == answer


@over_rules
def test_whatever_it_may_become_can_come(definition: Definition) -> None:
    """Each ending and the confirmation, and no ending at the very values that open it."""
    rule = rule_of(definition)
    outputs = opening(definition)
    conditions = ((LEAVE, rule.leave), (CONFIRM, rule.confirm), (FADE, rule.fade), (EXTEND, rule.extend))
    for question, condition in conditions:
        if condition:
            some(definition, question, condition)
    if rule.leave is None:
        some(definition, LEAVE, rule.enter)
    if rule.invalidation is not None:
        level = ask(definition, outputs).level[0, 0]
        held = KEYS.index(rule.invalidation.key)
        assert 0.0 < rule.invalidation.direction * (outputs.values[held] - level) <= 20.0
        assert ask(definition, outputs, level).results[INVALID, 0, 0] == 0
        outputs.values[held] = level - rule.invalidation.direction
        assert ask(definition, outputs, level).results[INVALID, 0, 0] == 1


@over_rules
def test_it_ends(definition: Definition) -> None:
    """An episode that nothing can end would hold its place for ever."""
    rule = rule_of(definition)
    assert rule.point or rule.leave is None or rule.leave or definition.expires


@over_rules
def test_unknown_in_unknown_out(definition: Definition) -> None:
    rule = rule_of(definition)
    outputs = some(definition, ENTER, rule.enter)
    asked = {key for clause in rule.enter for atom in clause if atom.form != "quality" for key in atom.keys}
    for key, reason in itertools.product(asked, REASONS):
        unknown = Outputs(outputs.values.copy(), outputs.quality.copy())
        unknown.values[KEYS.index(key)] = np.nan
        unknown.quality[KEYS.index(key)] = reason
        answers = ask(definition, unknown)
        assert answers.results[ENTER, 0, 0] == -1
        assert answers.quality[0, 0] == reason


@over_rules
def test_what_it_shows_has_a_name_and_a_threshold(definition: Definition) -> None:
    rule = rule_of(definition)
    shown = dict(rule.show) or {value_name(key): key for key in (*rule.input_keys, *rule.values)}
    assert definition.payload == shown
    assert definition.threshold
    seen = {Frequency.DAY: {Frequency.DAY}, Frequency.MINUTE: {Frequency.MINUTE, Frequency.SECOND}}
    for key in definition.payload.values():
        assert known_outputs()[key][1] in seen[definition.frequency]


def changed(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The entry with one number in it changed, for every number in it."""
    for key in ("enter", "exit", "confirm", "fade", "extend"):
        for place, text in enumerate(entry.get(key, ())):
            other = NUMBER.sub(lambda found: str(float(found[0]) + 1.0), text)
            if other != text:
                yield {**entry, key: [*entry[key][:place], other, *entry[key][place + 1 :]]}
    for side, distance in entry.get("invalidate", {}).items():
        if side != "key":
            yield {**entry, "invalidate": {**entry["invalidate"], side: distance + 1.0}}
    yield {**entry, "cool_down": entry.get("cool_down", 0) + 1}
    yield {**entry, "dwell": entry.get("dwell", 1) + 1}
    if not entry.get("point"):
        yield {**entry, "expires": entry.get("expires", 0) + 1}


@over_rules
def test_every_number_in_it_counts_for_the_version(definition: Definition) -> None:
    versions = {definition.version}
    # What its events say of the numbers must follow them, and decides nothing.
    texts = {"threshold", "title", "sentence"}
    own = {key: value for key, value in ENTRIES[definition.definition_id].items() if key not in texts}
    entries = list(changed(own))
    for entry in entries:
        versions.add(parse_catalogue(toml_of(entry)).definitions[0].version)
    assert len(versions) == len(entries) + 1
    again = parse_catalogue(toml_of(definition.entry)).definitions[0]
    assert again.version == definition.version


@over_rules
def test_its_operator_is_that_of_its_first_condition(definition: Definition) -> None:
    """A fall is compared with <=, a low with <; neither this nor the series decides anything."""
    text = ENTRIES[definition.definition_id]["enter"][0].split(" or ")[0]
    found = re.search(r"(?:(abs)\(.*\)|\S+) (>=|<=|==|!=|>|<|has) ", text)
    assert found is not None
    assert definition.operator == " ".join(part for part in found.groups() if part)
    for operator, series in itertools.product((">=", "<="), ("close", "another series")):
        other = {**ENTRIES[definition.definition_id], "operator": operator, "series": series}
        assert parse_catalogue(toml_of(other)).definitions[0].version == definition.version


@over_rules
def test_extend_is_in_the_version_only_where_it_is(definition: Definition) -> None:
    without = {key: value for key, value in ENTRIES[definition.definition_id].items() if key != "extend"}
    before = parse_catalogue(toml_of(without)).definitions[0]
    assert definition.without_extend == before
    assert (definition.version == before.version) == ("extend" not in ENTRIES[definition.definition_id])
    assert (EventState.EXTENDED in definition.states) == ("extend" in ENTRIES[definition.definition_id])


def toml_of(entry: Mapping[str, Any]) -> str:
    """An entry as a catalogue file has it."""
    return "[[definition]]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in entry.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def test_together_they_reach_every_state() -> None:
    reached = {state for definition in CATALOGUE.definitions for state in definition.states}
    assert reached == set(EventState) - {EventState.IDLE}


def test_minutes_are_for_few() -> None:
    """What is asked every minute costs every minute, and tells every minute."""
    at_minutes = [d.definition_id for d in CATALOGUE.definitions if d.frequency != Frequency.DAY]
    assert at_minutes == ["spread_z_15m"]
