"""What follows from an answer."""

from __future__ import annotations

import pytest

from consumers.forward.attempts import Attempts, NextStep, Policy, Reason, StepKind
from consumers.forward.verdicts import Answer, Cause, Treatment, judge, retry_after_ms
from core.model.forward_settings import ForwardSettings

POLICY = Policy(ForwardSettings(), random=lambda: 1.0)


def steps(*statuses: int | None, asked_ms: float | None = None) -> list[NextStep]:
    attempts = Attempts(POLICY)
    return [attempts.step(judge(Answer(status)), asked_ms) for status in statuses]


@pytest.mark.parametrize(
    ("status", "verdict", "cause"),
    [
        (200, Treatment.ACCEPTED, None),
        (299, Treatment.ACCEPTED, None),
        (408, Treatment.RETRY, Cause.BUSY),
        (429, Treatment.RETRY, Cause.BUSY),
        (500, Treatment.RETRY, Cause.SERVER),
        (599, Treatment.RETRY, Cause.SERVER),
        (None, Treatment.RETRY, Cause.CONNECTION),
        (301, Treatment.REFUSED, Cause.REDIRECTED),
        (304, Treatment.REFUSED, Cause.REDIRECTED),
        (400, Treatment.REFUSED, Cause.REFUSED),
        (410, Treatment.REFUSED, Cause.REFUSED),
        (600, Treatment.REFUSED, Cause.REFUSED),
        (101, Treatment.REFUSED, Cause.REFUSED),
    ],
)
def test_every_status_has_a_meaning(status: int | None, verdict: Treatment, cause: Cause | None) -> None:
    assert judge(Answer(status))[:2] == (verdict, cause)


def test_a_redirect_names_its_location_in_bounds() -> None:
    message = judge(Answer(302, location="https://elsewhere.example/" + "x" * 10_000)).message
    assert "https://elsewhere.example/" in message
    assert len(message) < 400


def test_failures_are_tried_again_without_end_and_with_growing_waits() -> None:
    made = steps(*[503] * 100)
    assert {step.kind for step in made} == {StepKind.AGAIN}
    waits = [step.wait_ms for step in made]
    assert waits[:4] == [500, 1_000, 2_000, 4_000]
    assert max(waits) == 30_000


def test_the_receiver_can_ask_for_more_time_but_not_for_less() -> None:
    assert [step.wait_ms for step in steps(429, asked_ms=20_000)] == [20_000]
    assert [step.wait_ms for step in steps(429, asked_ms=0)] == [500]


def test_five_refusals_over_a_minute_make_a_dead_letter() -> None:
    made = steps(400, 400, 404, 410, 400)
    assert [step.kind for step in made] == [StepKind.AGAIN] * 4 + [StepKind.DEAD]
    assert sum(step.wait_ms for step in made) == 60_000
    assert made[-1].reason is Reason.REFUSED


def test_failures_between_refusals_do_not_count_and_do_not_forgive() -> None:
    made = steps(400, 503, 400, None, 400, 400, 503, 301)
    assert made[-1] == NextStep(StepKind.DEAD, reason=Reason.REDIRECTED)
    assert all(step.kind is StepKind.AGAIN for step in made[:-1])


def test_one_refusal_can_be_enough() -> None:
    attempts = Attempts(Policy(ForwardSettings(refusals_max=1), random=lambda: 1.0))
    assert attempts.step(judge(Answer(400)), None).kind is StepKind.DEAD


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("0", 0),
        (" 3 ", 3_000),
        ("9" * 400, 60_000),
        ("Thu, 01 Jan 1970 00:17:10 GMT", 30_000),
        ("Thu, 01 Jan 1970 00:17:10", 30_000),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60_000),
        ("Fri, 99 Dec 9999 23:59:59 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_bounded(text: str | None, expected_ms: float | None) -> None:
    assert retry_after_ms(text, now_s=1_000, max_ms=60_000) == expected_ms
