"""The topic that says what an instrument id represents."""

from __future__ import annotations

import json
from importlib import resources

import jsonschema

from core.model.instruments import parse_universe
from core.model.topics import INSTRUMENTS_TOPIC
from producers.backfill.instruments import publish_instruments
from producers.metrics import ProducerCounters
from tests.support.fake_sender import KeepingSender, publisher_to

DATA = resources.files("core") / "data"


def test_every_instrument_is_published_once_and_fits_its_schema() -> None:
    universe = parse_universe((DATA / "demo_universe.toml").read_text())
    schema = json.loads((DATA / "schemas" / "instrument.schema.json").read_text())
    sender = KeepingSender()

    count = publish_instruments(universe, publisher_to(sender, ProducerCounters("alpaca")))

    assert count == len(universe.instruments) == len(sender.records)
    assert {record["topic"] for record in sender.records} == {INSTRUMENTS_TOPIC}
    bodies = {int(record["key"]): json.loads(record["value"]) for record in sender.records}
    for instrument_id, body in bodies.items():
        jsonschema.validate(body, schema)
        assert body["symbol"] == universe.instrument(instrument_id).symbol
    assert {body["symbol"] for body in bodies.values() if body["benchmark"]} == {"SPX", "SPY", "QQQ"}
