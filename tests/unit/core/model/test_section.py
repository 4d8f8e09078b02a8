"""core.model.section: what all sections of the settings share."""

import pytest
from pydantic import ValidationError

from core.model.kafka_settings import KafkaSettings
from core.model.section import WithBackoff


def test_a_frozen_setting_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        KafkaSettings().partitions = 4


def test_a_key_that_a_section_does_not_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="partition"):
        KafkaSettings.model_validate({"partition": 4})


def test_the_longest_wait_is_no_shorter_than_the_first() -> None:
    assert WithBackoff(backoff_initial_ms=5, backoff_max_ms=5).backoff_max_ms == 5
    with pytest.raises(ValidationError, match="backoff_max_ms is less than backoff_initial_ms"):
        WithBackoff(backoff_initial_ms=5, backoff_max_ms=4)
