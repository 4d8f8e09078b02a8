"""One connection against real servers that behave badly."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from consumers.forward.destination import Destination
from consumers.forward.verdicts import Answer, Cause
from consumers.forward.webhook import Webhook, tls_context
from core.model.errors import ConfigurationError
from core.model.forward_settings import ForwardSettings
from deploy.local.ports import LOOPBACK
from tests.support.secured.certificates import Authority
from tests.support.webhook_receiver import WebhookReceiver, WebhookReply

SETTINGS = ForwardSettings(attempt_timeout_ms=1_000, response_max_bytes=50_000)


def webhook(receiver: WebhookReceiver) -> Webhook:
    return Webhook(Destination.parse(receiver.url), SETTINGS, None)


def post(receiver: WebhookReceiver) -> Answer:
    return webhook(receiver).post({"ce-id": "1"}, b"{}")


def test_the_connection_is_kept_from_post_to_post() -> None:
    with WebhookReceiver(lambda post: WebhookReply(200, body=b"thank you")) as receiver:
        hook = webhook(receiver)
        answers = [hook.post({"ce-id": str(number)}, b"{}").status for number in range(20)]
    assert answers == [200] * 20
    assert receiver.connections == 1
    assert receiver.posts[0].path == "/hook"
    assert receiver.posts[0].headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_connection_that_the_receiver_closed_is_made_anew() -> None:
    with WebhookReceiver(lambda post: WebhookReply(200, headers={"Connection": "close"})) as receiver:
        hook = webhook(receiver)
        assert [hook.post({"ce-id": "1"}, b"").status for _ in range(3)] == [200] * 3
    assert receiver.connections == 3


def test_headers_of_the_answer_are_kept() -> None:
    headers = {"Retry-After": "7", "Location": "https://elsewhere.example/"}
    with WebhookReceiver(lambda post: WebhookReply(302, headers=headers)) as receiver:
        assert post(receiver) == Answer(302, "7", "https://elsewhere.example/")
    assert len(receiver.posts) == 1


def test_a_huge_answer_is_not_read_to_its_end() -> None:
    with WebhookReceiver(lambda post: WebhookReply(200, body=b"x" * 1_000, length=10**12)) as receiver:
        answer = post(receiver)
    assert answer.status is None  # it ended before the limit
    with WebhookReceiver(lambda post: WebhookReply(200, body=b"x" * 200_000, length=10**12)) as receiver:
        assert post(receiver).status == 200


@pytest.mark.parametrize(
    ("reply", "cause", "words"),
    [
        (WebhookReply(0), Cause.CONNECTION, ""),
        (WebhookReply(200, body=b"half", length=100), Cause.CONNECTION, ""),
        (WebhookReply(silent_s=30), Cause.TIMED_OUT, "no whole answer within 1000 ms"),
    ],
)
def test_no_whole_answer_is_a_failure(reply: WebhookReply, cause: Cause, words: str) -> None:
    with WebhookReceiver(lambda post: reply) as receiver:
        answer = post(receiver)
    assert (answer.status, answer.cause) == (None, cause)
    assert words in answer.failure


def test_a_receiver_that_drips_is_cut() -> None:
    with WebhookReceiver(lambda post: WebhookReply(drip_s=0.1)) as receiver:
        hook = webhook(receiver)
        answers: list[Answer] = []
        thread = threading.Thread(target=lambda: answers.append(hook.post({"ce-id": "1"}, b"")), daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while thread.is_alive():
            assert time.monotonic() < deadline
            hook.interrupt_if_overdue()
            time.sleep(0.05)
    assert [answer.cause for answer in answers] == [Cause.TIMED_OUT]


def test_nobody_listens() -> None:
    with WebhookReceiver() as receiver:
        url = receiver.url
    answer = Webhook(Destination.parse(url), SETTINGS, None).post({}, b"")
    assert answer.cause is Cause.CONNECTION
    assert "/hook" not in answer.failure


def test_a_file_of_certificates_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"forward\.ca_file"):
        tls_context(tmp_path / "none.pem")
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"forward\.ca_file"):
        tls_context(tmp_path / "text.pem")


def test_the_receivers_certificate_and_name_are_checked(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "own", "own")
    other = Authority(tmp_path / "other", "other")
    good = authority.issue("localhost", [LOOPBACK])
    misnamed = authority.issue("elsewhere", ["elsewhere.example"])
    for identity, trusted, status in (
        (good, authority, 204),
        (good, other, None),
        (misnamed, authority, None),
    ):
        with WebhookReceiver(identity=identity) as receiver:
            context = tls_context(trusted.certificate)
            hook = Webhook(Destination.parse(receiver.url), SETTINGS, context)
            answers = [hook.post({"ce-id": "1"}, b"{}") for _ in range(2)]
        assert [answer.status for answer in answers] == [status] * 2
        if status is None:
            assert "certificate verify failed" in answers[0].failure
