from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.numba_cache import CORE, compiled_kernels, configure_numba_cache, sources_digest


@pytest.fixture
def core(tmp_path: Path) -> Path:
    package = tmp_path / "core"
    (package / "indicators").mkdir(parents=True)
    (package / "engine.py").write_text("A = 1\n")
    (package / "indicators" / "beta.py").write_text("B = 2\n")
    return package


def test_the_directory_is_in_the_users_cache_and_set_in_the_environment(core: Path, tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    directory = configure_numba_cache(environ, core)
    assert environ["NUMBA_CACHE_DIR"] == str(directory)
    assert directory == tmp_path / "rotascope" / f"numba-{sources_digest(core, {})}"


def test_a_directory_the_operator_has_set_stays(core: Path) -> None:
    environ = {"NUMBA_CACHE_DIR": "/srv/kernels"}
    assert configure_numba_cache(environ, core) == Path("/srv/kernels")
    assert environ == {"NUMBA_CACHE_DIR": "/srv/kernels"}


def test_without_a_cache_home_it_is_below_the_home_directory(core: Path) -> None:
    assert configure_numba_cache({}, core).is_relative_to(Path.home() / ".cache" / "rotascope")


def test_every_source_of_core_counts_also_a_nested_one_and_its_name(core: Path) -> None:
    digests = {sources_digest(core, {})}
    (core / "indicators" / "beta.py").write_text("B = 3\n")
    digests.add(sources_digest(core, {}))
    (core / "indicators" / "beta.py").rename(core / "indicators" / "alpha.py")
    digests.add(sources_digest(core, {}))
    (core / "empty.py").touch()
    digests.add(sources_digest(core, {}))
    assert len(digests) == 4


def test_moving_text_from_one_file_to_the_next_changes_the_digest(tmp_path: Path) -> None:
    digests = set()
    package = tmp_path / "core"
    package.mkdir()
    for texts in (("ab", "c"), ("a", "bc")):
        for file, text in zip(("a.py", "b.py"), texts, strict=True):
            (package / file).write_text(text)
        digests.add(sources_digest(package, {}))
    assert len(digests) == 2


def test_two_checkouts_have_a_directory_each(core: Path, tmp_path: Path) -> None:
    """Guards the question whether the cache is filled: Numba takes nothing from another place's."""
    before = sources_digest(core, {})
    assert sources_digest(core.rename(tmp_path / "moved"), {}) != before


def test_compiler_settings_count_and_the_rest_of_the_environment_does_not(core: Path) -> None:
    # Numba itself would load code without bounds checks into a run that asks for them.
    plain = sources_digest(core, {})
    assert sources_digest(core, {"NUMBA_BOUNDSCHECK": "1"}) != plain
    assert sources_digest(core, {"NUMBA_CACHE_DIR": "/x", "LANG": "C", "HOME": "/root"}) == plain


def test_the_default_is_this_checkouts_core() -> None:
    assert (CORE / "errors.py").is_file()


def test_compiled_kernels_are_counted_wherever_numba_puts_them(tmp_path: Path) -> None:
    assert compiled_kernels({}) == 0
    environ = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert compiled_kernels(environ) == 0
    (tmp_path / "core_1").mkdir()
    for name in ("ticks.apply_ticks-1.py311.nbi", "ticks.apply_ticks-1.py311.1.nbc"):
        (tmp_path / "core_1" / name).touch()
    assert compiled_kernels(environ) == 1
