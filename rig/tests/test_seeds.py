"""Migrated databases are made once per state of the code, and kept while they are used."""

import os
from pathlib import Path

import pytest

from rig import seeds

LONG_AGO = 1_000_000_000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(seeds, "CACHE", tmp_path / "seeds")
    return tmp_path / "seeds"


def make(file: Path) -> None:
    file.write_text("made")


def make_again(file: Path) -> None:
    raise AssertionError(f"{file.name} is made again")


def test_database_of_the_same_code_is_kept_however_old_it_is(cache: Path) -> None:
    with seeds.kept("a", make) as file:
        pass
    os.utime(file.parent, (LONG_AGO, LONG_AGO))
    with seeds.kept("a", make_again) as file:
        assert file.read_text() == "made"


def test_unused_databases_of_other_code_are_removed(cache: Path) -> None:
    old, new = cache / "old", cache / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (LONG_AGO, LONG_AGO))
    with seeds.kept("a", make) as file:
        assert {path for path in cache.iterdir() if path.is_dir()} == {new, file.parent}


def test_unfinished_database_is_not_kept() -> None:
    def fail(file: Path) -> None:
        file.write_text("half")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"), seeds.kept("a", fail):
        pass
    with seeds.kept("a", make) as file:
        assert file.read_text() == "made"
