"""An instrument with history keeps its scale: backfill, producer and worker refuse another one."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from consumers.worker.published_scales import PublishedScales
from core.model.errors import UniverseError
from core.model.frames import decode_frame
from core.model.instruments import parse_universe
from core.model.records import BAR
from core.model.settings import KafkaSettings
from deploy.kafka.broker import LocalKafka
from producers.backfill import cli as backfill_cli
from producers.backfill.instruments import check_scales
from producers.backfill.log_reader import log_reader
from tests.support.kafka_broker import TEST_PARTITIONS
from tests.support.kafka_log import read

pytestmark = pytest.mark.integration

UNIVERSE = """
source = [{ id = 900, name = "history" }, { id = 1, name = "coins" }]
pair = [{ numerator = "PEPE", benchmark = "BTC" }]
[defaults.crypto]
calendar = "24/7"
source = "coins"
[[instrument]]
id = 1
symbol = "BTC"
class = "crypto"
[[instrument]]
id = 2
symbol = "PEPE"
class = "crypto"
"""
SCALE = "price_exponent = -15\nsize_exponent = 0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plain.toml").write_text(UNIVERSE)
    (tmp_path / "scaled.toml").write_text(UNIVERSE + SCALE)
    (tmp_path / "PEPE.csv").write_text("date,close,volume\n2024-07-10,0.000012,50000000000\n")
    (tmp_path / "small.csv").write_text("date,close,volume\n2024-07-11,0.000012,5\n")
    return tmp_path


def backfill(kafka: LocalKafka, folder: Path, file: str, universe: str) -> Result:
    reach = ["--bootstrap-servers", kafka.bootstrap_servers, "--partitions", str(TEST_PARTITIONS)]
    coin = f"PEPE={folder / file}"
    return CliRunner().invoke(backfill_cli.app, ["csv", coin, "--universe", str(folder / universe), *reach])


def test_another_scale_is_refused_everywhere(kafka_with_topics: LocalKafka, folder: Path) -> None:
    first = backfill(kafka_with_topics, folder, "PEPE.csv", "scaled.toml")
    assert (first.exit_code, first.stdout[:9]) == (0, "published"), first.stderr
    (record,) = read(kafka_with_topics, ["rotascope.bars.1d"])
    _, (bar,) = decode_frame(record.value, BAR)
    assert (int(bar["close"]), int(bar["volume"])) == (12_000_000_000, 50_000_000_000)

    other = backfill(kafka_with_topics, folder, "small.csv", "plain.toml")
    assert other.exit_code == 2
    said = "PEPE is in the log with price_exponent -15 and size_exponent 0, the universe says -9 and -9"
    assert said in other.stderr
    assert "Traceback" not in other.stderr
    assert len(read(kafka_with_topics, ["rotascope.bars.1d"])) == 1

    settings = KafkaSettings(bootstrap_servers=kafka_with_topics.bootstrap_servers)
    plain, scaled = (parse_universe((folder / name).read_text()) for name in ("plain.toml", "scaled.toml"))
    with log_reader(settings) as reader:
        with pytest.raises(UniverseError, match="PEPE is in the log"):
            check_scales(reader, plain)
        check_scales(reader, scaled)
    published = PublishedScales(settings)
    with pytest.raises(UniverseError, match="PEPE is in the log"):
        published(plain)
    published(scaled)
