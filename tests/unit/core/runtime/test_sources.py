"""The digest of the pure rooms: an edit there makes compiled kernels and kept results stale."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from consumers.study.nulls import null_histories_digest
from core.runtime.numba_cache import cache_digest
from core.runtime.sources import CORE, IMPURE_ROOMS, pure_sources, sources_digest

ROOMS = sorted(path.parent.name for path in CORE.glob("*/__init__.py"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sources") / "core"
    shutil.copytree(CORE, place, ignore=shutil.ignore_patterns("__pycache__", "data"))
    return place


@pytest.mark.parametrize("room", ROOMS)
def test_one_byte_in_a_room_counts_unless_no_pure_room_can_import_it(copy: Path, room: str) -> None:
    """Guards both users of the digest: the kernels' cache and the kept results of `study nulls`."""
    before = cache_digest(copy, {}), null_histories_digest("study", copy)
    source = max((copy / room).glob("*.py"))
    text = source.read_text(encoding="utf-8")
    source.write_text(text + "#", encoding="utf-8")
    after = cache_digest(copy, {}), null_histories_digest("study", copy)
    source.write_text(text, encoding="utf-8")
    stale = [one != other for one, other in zip(before, after, strict=True)]
    assert stale == [room not in IMPURE_ROOMS] * 2


def test_every_source_counts_also_a_nested_one_and_its_name(core: Path) -> None:
    digests = {sources_digest(core)}
    (core / "indicators" / "beta.py").write_text("B = 3\n")
    digests.add(sources_digest(core))
    (core / "indicators" / "beta.py").rename(core / "indicators" / "alpha.py")
    digests.add(sources_digest(core))
    (core / "empty.py").touch()
    digests.add(sources_digest(core))
    assert len(digests) == 4


def test_moving_text_from_one_file_to_the_next_changes_the_digest(tmp_path: Path) -> None:
    digests = set()
    package = tmp_path / "core"
    package.mkdir()
    for texts in (("ab", "c"), ("a", "bc")):
        for file, text in zip(("a.py", "b.py"), texts, strict=True):
            (package / file).write_text(text)
        digests.add(sources_digest(package))
    assert len(digests) == 2


def test_the_default_is_this_checkouts_core() -> None:
    assert CORE / "model" / "errors.py" in pure_sources()
    assert CORE / "runtime" / "sources.py" not in pure_sources()
