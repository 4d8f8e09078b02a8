"""What every detector promises, over the registry: a new detector is covered by its line there."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from core.definitions.catalogue import Definition, parse_catalogue
from core.detectors import DETECTORS, Detector, Verdict, allocate_verdict
from core.detectors.base import FALSE, TRUE, UNKNOWN, Column
from core.indicators import FAMILIES
from core.model.errors import CatalogueError
from core.model.event_families import EVENT_FAMILIES
from core.model.records import Frequency, Quality

PAIRS = 5
ROWS = np.arange(PAIRS, dtype=np.int32)
REASONS = [q for q in Quality if q not in (Quality.OK, Quality.REBUILT)]
OUTPUTS = {o.key: family.frequency for family in FAMILIES for o in family.outputs}

over_detectors = pytest.mark.parametrize("detector", DETECTORS.values(), ids=lambda detector: detector.kind)


class Columns(dict[str, Column]):
    """Columns made when they are first asked for, all ready, all 1."""

    def __missing__(self, key: str) -> Column:
        self[key] = (np.ones(PAIRS), np.zeros(PAIRS, np.uint8))
        return self[key]


def numbers(detector: type[Detector], **given: float) -> dict[str, float]:
    return {p.name: float(given.get(p.name, p.default)) for p in detector.parameters}


def settings(detector: type[Detector]) -> Iterator[tuple[Frequency, dict[str, float]]]:
    """Every supported frequency with every combination of choices."""
    choices = {p.name: p.choices for p in detector.parameters if p.choices}
    for frequency in Frequency:
        if detector.supports(frequency):
            for values in itertools.product(*choices.values()):
                yield frequency, numbers(detector, **dict(zip(choices, values, strict=True)))


def made(detector: type[Detector]) -> Iterator[tuple[Detector, Columns]]:
    """The detector in every setting, with columns of its own."""
    for frequency, parameters in settings(detector):
        columns = Columns()
        yield detector(frequency, parameters, columns.__getitem__), columns


def ask(detector: Detector, rows: np.ndarray = ROWS, levels: np.ndarray | None = None) -> Verdict:
    """Evaluate into buffers full of rubbish."""
    verdict = allocate_verdict(PAIRS)
    for answers in (verdict.enter, verdict.leave, verdict.invalid):
        answers.fill(99)
    verdict.level.fill(-12.5)
    verdict.quality.fill(77)
    detector.evaluate(rows, np.zeros(PAIRS) if levels is None else levels, verdict)
    return verdict


def definition_text(kind: str, frequency: Frequency, *, head: str = "", **given: object) -> str:
    entries = ", ".join(f"{name} = {value}" for name, value in given.items())
    return (
        f'[[definition]]\nid = "one"\nkind = "{kind}"\nfrequency = "{frequency.label}"\n{head}'
        f"parameters = {{ {entries} }}\n"
    )


def define(kind: str, frequency: Frequency, *, head: str = "", **given: object) -> Definition:
    return parse_catalogue(definition_text(kind, frequency, head=head, **given)).get("one")


def first_frequency(detector: type[Detector]) -> Frequency:
    return next(frequency for frequency in reversed(Frequency) if detector.supports(frequency))


@over_detectors
def test_it_is_registered_under_its_kind_and_has_a_topic(detector: type[Detector]) -> None:
    assert DETECTORS[detector.kind] is detector
    assert detector.family in EVENT_FAMILIES
    assert isinstance(detector.semantics, int)
    assert detector.semantics >= 1
    assert isinstance(detector.point, bool)
    assert detector.operator
    assert detector.series


@over_detectors
def test_parameters_are_documented_and_defaults_are_allowed(detector: type[Detector]) -> None:
    names = [parameter.name for parameter in detector.parameters]
    assert len(set(names)) == len(names) > 0
    for parameter in detector.parameters:
        assert len(parameter.help) > 5, parameter.name
        assert parameter.least <= parameter.default <= parameter.most
        assert math.isfinite(parameter.least)
        assert math.isfinite(parameter.most)
        assert all(parameter.least <= choice <= parameter.most for choice in parameter.choices)
        assert not parameter.choices or parameter.default in parameter.choices
    detector.check(numbers(detector))


@over_detectors
def test_frequencies_are_those_it_supports(detector: type[Detector]) -> None:
    supported = [frequency for frequency in Frequency if detector.supports(frequency)]
    assert supported
    for frequency in Frequency:
        if frequency in supported:
            assert define(detector.kind, frequency).frequency == frequency
        else:
            with pytest.raises(CatalogueError, match=r"is not one of"):
                define(detector.kind, frequency)


@over_detectors
def test_inputs_exist_and_are_computed_at_its_frequency(detector: type[Detector]) -> None:
    for frequency, parameters in settings(detector):
        inputs = detector.input_keys(frequency, parameters)
        assert inputs
        assert [OUTPUTS[key] for key in inputs] == [frequency] * len(inputs)


@over_detectors
def test_payload_keys_resolve_and_hold_the_inputs(detector: type[Detector]) -> None:
    for frequency, parameters in settings(detector):
        payload = detector.payload_keys(frequency, parameters)
        assert set(payload.values()) <= set(OUTPUTS)
        assert set(detector.input_keys(frequency, parameters)) <= set(payload.values())
        instance = detector(frequency, parameters, Columns().__getitem__)
        assert instance.payload == payload


@over_detectors
def test_thresholds_say_numbers(detector: type[Detector]) -> None:
    for _, parameters in settings(detector):
        threshold = detector.threshold(parameters)
        assert threshold
        assert all(math.isfinite(value) for value in threshold.values())


@over_detectors
def test_a_detector_asks_for_nothing_that_is_not_there(detector: type[Detector]) -> None:
    def column(key: str) -> Column:
        raise CatalogueError(f"no indicator gives {key!r}")

    frequency, parameters = next(settings(detector))
    with pytest.raises(CatalogueError, match="no indicator"):
        detector(frequency, parameters, column)


@over_detectors
def test_answers_are_true_false_or_unknown_and_every_one_is_written(detector: type[Detector]) -> None:
    generator = np.random.default_rng(5)
    for instance, columns in made(detector):
        for _ in range(20):
            for values, quality in columns.values():
                values[:] = generator.normal(0, 5, PAIRS)
                quality[:] = generator.choice([0, 0, 0, *map(int, Quality)], PAIRS)
                values[(quality != Quality.OK) & (quality != Quality.REBUILT)] = np.nan
            verdict = ask(instance)
            for answers in (verdict.enter, verdict.leave, verdict.invalid):
                assert set(answers.tolist()) <= {UNKNOWN, FALSE, TRUE}
            assert not np.isnan(verdict.level[verdict.enter == TRUE]).any()
            assert (verdict.level != -12.5).all()
            assert (verdict.quality != 77).all()
            unusable = ~np.isin(verdict.quality, [Quality.OK, Quality.REBUILT])
            np.testing.assert_array_equal(verdict.enter == UNKNOWN, unusable)


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.label)
@over_detectors
def test_an_unknown_input_fires_nothing_and_says_why(detector: type[Detector], reason: Quality) -> None:
    for instance, columns in made(detector):
        for key in list(columns):
            values, quality = columns[key]
            values[2], quality[2] = np.nan, reason
            verdict = ask(instance)
            assert (verdict.enter[2], verdict.quality[2]) == (UNKNOWN, reason)
            assert verdict.leave[2] != TRUE
            assert verdict.invalid[2] != TRUE
            assert (verdict.enter[[0, 1, 3, 4]] != UNKNOWN).all()
            values[2], quality[2] = 1.0, Quality.OK


@over_detectors
def test_a_rebuilt_input_decides_but_never_hides_an_unknown_one(detector: type[Detector]) -> None:
    for instance, columns in made(detector):
        for _, quality in columns.values():
            quality[:] = Quality.REBUILT
        verdict = ask(instance)
        assert (verdict.enter != UNKNOWN).all()
        assert (verdict.quality == Quality.REBUILT).all()
        for values, quality in columns.values():
            values[1], quality[1] = np.nan, Quality.STALE
            assert ask(instance).enter[1] == UNKNOWN
            assert ask(instance).quality[1] == Quality.STALE
            values[1], quality[1] = 1.0, Quality.REBUILT


@over_detectors
def test_rows_not_asked_for_are_left_alone(detector: type[Detector]) -> None:
    for instance, _ in made(detector):
        verdict = ask(instance, np.array([0, 3], np.int32))
        for answers in (verdict.enter, verdict.leave, verdict.invalid):
            assert (answers[[1, 2, 4]] == 99).all()
            assert (answers[[0, 3]] != 99).all()
        assert (verdict.level[[1, 2, 4]] == -12.5).all()
        assert (verdict.quality[[1, 2, 4]] == 77).all()


@over_detectors
def test_nothing_opens_and_ends_at_once(detector: type[Detector]) -> None:
    generator = np.random.default_rng(6)
    fired = 0
    for instance, columns in made(detector):
        for _ in range(200):
            for values, _ in columns.values():
                values[:] = np.exp(generator.normal(0, 0.02, PAIRS)) * generator.choice([1, 1, 1, -4], PAIRS)
            verdict = ask(instance)
            opens = verdict.enter == TRUE
            fired += int(opens.sum())
            assert (verdict.leave[opens] != TRUE).all()
            verdict = ask(instance, levels=verdict.level)  # the level it would fix
            assert (verdict.invalid[opens] != TRUE).all()
    assert fired > 0


def at_threshold(detector: type[Detector], parameters: Mapping[str, float]) -> tuple[float, ...]:
    """Inputs that meet the condition for an opening exactly where it begins."""
    direction = parameters.get("direction", 1.0)
    if detector.kind == "opposite_day":
        return direction * parameters["instrument_return_pct"], -direction * 0.1
    if detector.kind == "spread_z":
        return ((direction or 1.0) * parameters["enter_z"],)
    if detector.kind == "nonconfirmation":
        return 101.0 if direction > 0 else 99.0, 100.0, 100.0 * (1 - direction * 0.3), 100.0
    if detector.kind == "strength_high":
        return 0.4 * (1 + 3e-12), 0.4, 50.0, 60.0
    raise AssertionError(f"say where {detector.kind} begins")


@over_detectors
def test_noise_in_the_last_bits_decides_nothing(detector: type[Detector]) -> None:
    """Thresholds see values rounded to 1e-10: a bit up or down on any input gives the same answer."""
    for frequency, parameters in settings(detector):
        if "delta_pct" in parameters:
            parameters["delta_pct"] = 0.3
        columns = Columns()
        instance = detector(frequency, parameters, columns.__getitem__)
        keys = detector.input_keys(frequency, parameters)
        exact = at_threshold(detector, parameters)
        answers = set()
        for bits in itertools.product((-2, 0, 2), repeat=len(keys)):
            for key, value, shift in zip(keys, exact, bits, strict=True):
                noisy = value + shift * np.spacing(value)
                columns[key][0][:] = noisy
            verdict = ask(instance)
            answers.add((int(verdict.enter[0]), int(verdict.leave[0]), int(verdict.invalid[0])))
        assert len(answers) == 1, (frequency, parameters)


def other_value(detector: type[Detector], name: str) -> float:
    parameter = next(p for p in detector.parameters if p.name == name)
    if parameter.choices:
        return next(choice for choice in parameter.choices if choice != parameter.default)
    return parameter.default * 1.5 if parameter.default else 1.0


@over_detectors
def test_the_version_changes_with_each_number_and_not_with_the_pairs(detector: type[Detector]) -> None:
    frequency = first_frequency(detector)
    plain = define(detector.kind, frequency)
    versions = {plain.version}
    for parameter in detector.parameters:
        number: dict[str, Any] = {parameter.name: other_value(detector, parameter.name)}
        changed = define(detector.kind, frequency, **number)
        versions.add(changed.version)
    for head in ("cool_down = 7\n", "expires = 7\n"):
        versions.add(define(detector.kind, frequency, head=head).version)
    assert len(versions) == 1 + len(detector.parameters) + 2
    assert define(detector.kind, frequency, head='pairs = ["RUT/SPX"]\n').version == plain.version
    spelled_out: dict[str, Any] = {p.name: p.default for p in reversed(detector.parameters)}
    assert define(detector.kind, frequency, **spelled_out).version == plain.version


@over_detectors
def test_the_version_changes_when_a_fix_changes_the_meaning(
    detector: type[Detector], monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = define(detector.kind, first_frequency(detector))
    before = definition.version
    monkeypatch.setattr(detector, "semantics", detector.semantics + 1)
    assert definition.version != before


@over_detectors
def test_a_split_moves_levels_by_the_leg_they_belong_to(detector: type[Detector]) -> None:
    for instance, _ in made(detector):
        both = instance.level_factor(0, 0.5) * instance.level_factor(1, 0.5)
        assert both in (0.25, 0.5, 1.0)  # a level of no leg, of one leg, of their ratio
