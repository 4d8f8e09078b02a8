"""No right that is printed is too many: without any of them its command ends, and says in one line why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.secured.missing_rights import Cluster, Lack, lacks, run_lacking
from tests.support.secured.product import ProductAccess
from tests.support.secured.users import Login
from tests.support.secured_broker import Secured

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cluster(secured: Secured, tmp_path_factory: pytest.TempPathFactory, address: str) -> Cluster:
    return Cluster(secured, tmp_path_factory.mktemp("cluster"), address)


@pytest.mark.parametrize("lack", list(lacks()), ids=str)
def test_each_right_is_needed_with_kafka_python(cluster: Cluster, tmp_path: Path, lack: Lack) -> None:
    run_lacking(cluster, ProductAccess(Login.PLAIN), lack, tmp_path)


@pytest.mark.parametrize("lack", list(lacks(["consume"])), ids=str)
def test_each_right_is_needed_with_confluent(cluster: Cluster, tmp_path: Path, lack: Lack) -> None:
    run_lacking(cluster, ProductAccess(Login.SCRAM_256, "confluent"), lack, tmp_path)
