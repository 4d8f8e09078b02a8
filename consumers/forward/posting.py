"""Threads that post events, each over its own connection."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import structlog

from consumers.forward.attempts import NextStep, StepKind
from consumers.forward.counters import ForwardCounters
from consumers.forward.lanes import Lanes, PendingEvent
from consumers.forward.receiver_log import ReceiverLog
from consumers.forward.signing import Signer
from consumers.forward.verdicts import Cause, judge, retry_after_ms
from consumers.forward.webhook import Webhook
from core.model.forward_settings import ForwardSettings

_LOOK_S: Final = 0.25
"""How often overdue posts are looked for."""


class Finished(NamedTuple):
    """An event that will not be posted again.

    Args:
        event: Which.
        step: Why: `DONE` or `DEAD`.
        message: What the receiver said last.
    """

    event: PendingEvent
    step: NextStep
    message: str


class Posting:
    """Takes events from the lanes, posts them, and keeps what is finished for the loop.

    Args:
        lanes: Where events wait.
        webhooks: One for each thread.
        settings: Longest wait that a receiver may ask for.
        signer: Signs each attempt anew; None for no signature.
        counters: Retries and durations.
        receiver: Logs when the receiver fails, and when it is back.
        wall_s: Wall clock, s UTC.
        monotonic_s: Monotonic clock, s.
    """

    def __init__(
        self,
        lanes: Lanes,
        webhooks: Sequence[Webhook],
        settings: ForwardSettings,
        signer: Signer | None,
        counters: ForwardCounters,
        receiver: ReceiverLog,
        *,
        wall_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lanes = lanes
        self._webhooks = webhooks
        self._settings = settings
        self._signer = signer
        self._counters = counters
        self._receiver = receiver
        self._wall_s = wall_s
        self._monotonic_s = monotonic_s
        self._finished: deque[Finished] = deque()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(webhook,), name=f"rotascope-post-{number}", daemon=True)
            for number, webhook in enumerate(webhooks)
        ]
        self._watch = threading.Thread(target=self._look, name="rotascope-post-watch", daemon=True)
        self._broken: BaseException | None = None

    def start(self) -> None:
        """Start the threads."""
        for thread in (*self._threads, self._watch):
            thread.start()

    def finished(self) -> list[Finished]:
        """Return what is finished since the last call.

        Raises:
            BaseException: What has ended one of the threads, which nothing a receiver does should.
        """
        if self._broken is not None:
            raise self._broken
        found = []
        while self._finished:
            found.append(self._finished.popleft())
        return found

    def stop(self, timeout_s: float) -> bool:
        """Take no more events, and wait for the posts under way.

        Args:
            timeout_s: After this they are cut.

        Returns:
            Whether all came to an end by themselves.
        """
        self._lanes.close()
        deadline_s = self._monotonic_s() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - self._monotonic_s()))
        whole = not any(thread.is_alive() for thread in self._threads)
        self._ended.set()
        for webhook in self._webhooks:
            webhook.close()
        for thread in (*self._threads, self._watch):
            thread.join(_LOOK_S * 2)
        return whole

    def _run(self, webhook: Webhook) -> None:
        try:
            while (event := self._lanes.take()) is not None:
                self._attempt(webhook, event)
        except BaseException as error:  # raised again in the loop
            structlog.get_logger("rotascope.forward").error("a posting thread has ended", error=repr(error))
            self._broken = error

    def _attempt(self, webhook: Webhook, event: PendingEvent) -> None:
        headers, body = dict(event.message.headers), event.message.body
        if self._signer is not None:
            headers |= self._signer.headers(body, timestamp_s=int(self._wall_s()))
        begun_s = self._monotonic_s()
        answer = webhook.post(headers, body)
        self._counters.post_duration.observe(self._monotonic_s() - begun_s)
        judgement = judge(answer)
        asked_ms = retry_after_ms(
            answer.retry_after, now_s=self._wall_s(), max_ms=self._settings.retry_after_max_ms
        )
        step = event.attempts.step(judgement, asked_ms)
        if judgement.cause is None or judgement.cause in (Cause.REFUSED, Cause.REDIRECTED):
            self._receiver.answered()
        else:
            self._receiver.failing(judgement.message)
        if step.kind is not StepKind.AGAIN:
            # In this order: the next event of the lane may be finished before this one is noted.
            self._finished.append(Finished(event, step, judgement.message))
            self._lanes.done(event)
            return
        if judgement.cause is not None:
            self._counters.retries.add(judgement.cause)
        if asked_ms and judgement.cause in (Cause.BUSY, Cause.SERVER):
            self._lanes.pause(asked_ms)
        self._lanes.again(event, step.wait_ms)

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_S):
            for webhook in self._webhooks:
                webhook.interrupt_if_overdue()
