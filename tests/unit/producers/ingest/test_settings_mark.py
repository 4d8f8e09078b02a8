"""A settings mark as a producer writes it is the place at which an engine changes its definitions."""

from __future__ import annotations

from core.model.frames import decode_frame
from core.model.records import NO_INSTRUMENT, TickKind
from producers.ingest.settings_mark import publish_settings_mark
from producers.metrics import ProducerCounters
from tests.support import worlds
from tests.support.fake_sender import KeepingSender, publisher_to
from tests.support.logs import cut
from tests.support.rich_log import warm_start
from tests.support.worlds import HISTORY, make_engine

NEW = """
[[definition]]
id = "another_up"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d >= 0.5", "benchmark_return_pct:1d < 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
show.spread_pp = "relative_strength_pp:1d"
threshold = { instrument_return_pct = 0.5 }
"""


def test_every_partition_gets_one_and_an_engine_changes_there() -> None:
    new = make_engine(catalogue=worlds.CATALOGUE + NEW)
    source = next(each for each in new.world.universe.sources if each.source_id == HISTORY)
    sender = KeepingSender()
    publish_settings_mark(
        new.catalogue,
        new.world.universe,
        publisher_to(sender, ProducerCounters(source.name)),
        source,
        partitions=4,
        ts_ns=1_720_000_000_000_000_000,
        epoch=9,
    )
    frames = sender.frames()
    assert sorted(frames) == [0, 1, 2, 3]
    for ((header, (mark,)),) in frames.values():
        assert (header.source, header.epoch, header.sequence) == (HISTORY, 9, 0)
        assert (mark["kind"], mark["instrument_id"]) == (TickKind.SETTINGS, NO_INSTRUMENT)
        assert int(mark["trade_id"]) == new.catalogue.mark

    old = make_engine(catalogue=worlds.CATALOGUE)
    for offset, payload in enumerate(cut(warm_start(), range(0, len(warm_start()), 50))):
        old.step(payload, offset)
    new.restore(old.snapshot())
    assert new.definitions_wait
    output = new.step(sender.records[0]["value"], 1_000)
    assert (output.dead_letters, new.definitions_wait) == ([], False)
    assert decode_frame(sender.records[0]["value"])[0].records == 1
