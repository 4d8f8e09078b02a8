from __future__ import annotations

from pathlib import Path

from core.runtime.numba_cache import cache_digest, configure_numba_cache


def test_the_directory_is_in_the_users_cache_and_set_in_the_environment(core: Path, tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    directory = configure_numba_cache(environ, core)
    assert environ["NUMBA_CACHE_DIR"] == str(directory)
    assert directory == tmp_path / "rotascope" / f"numba-{cache_digest(core, {})}"


def test_a_directory_the_operator_has_set_stays(core: Path) -> None:
    environ = {"NUMBA_CACHE_DIR": "/srv/kernels"}
    assert configure_numba_cache(environ, core) == Path("/srv/kernels")
    assert environ == {"NUMBA_CACHE_DIR": "/srv/kernels"}


def test_without_a_cache_home_it_is_below_the_home_directory(core: Path) -> None:
    assert configure_numba_cache({}, core).is_relative_to(Path.home() / ".cache" / "rotascope")


def test_two_checkouts_have_a_directory_each(core: Path, tmp_path: Path) -> None:
    """Guards the question whether the cache is filled: Numba takes nothing from another place's."""
    before = cache_digest(core, {})
    assert cache_digest(core.rename(tmp_path / "moved"), {}) != before


def test_compiler_settings_count_and_the_rest_of_the_environment_does_not(core: Path) -> None:
    # Numba itself would load code without bounds checks into a run that asks for them.
    plain = cache_digest(core, {})
    assert cache_digest(core, {"NUMBA_BOUNDSCHECK": "1"}) != plain
    assert cache_digest(core, {"NUMBA_CACHE_DIR": "/x", "LANG": "C", "HOME": "/root"}) == plain
