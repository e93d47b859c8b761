"""Homes where the embedded database could be reached by others are refused, with words."""

import os
from pathlib import Path

import pytest

from metier.errors import UnsafeHome
from metier.settings import Settings
from metier.store import Database
from metier.store.home import SOCKET_PATH_MAX, check_home

LONGEST = SOCKET_PATH_MAX - len("/pg/.s.PGSQL.5432")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "h"
    folder.mkdir(mode=0o700)
    return folder


def padded(folder: Path, length: int) -> Path:
    return folder / ("x" * (length - len(str(folder)) - 1))


async def test_a_home_too_long_for_a_socket_is_refused_before_anything_is_made(short_home: Path):
    home = padded(short_home, LONGEST + 1)

    with pytest.raises(UnsafeHome, match="METIER_HOME is too long") as caught:
        await Database.open(Settings.for_tests(home))

    assert str(caught.value).endswith(f"at most {LONGEST}.")
    assert not home.exists()


async def test_the_longest_home_keeps_its_socket_in_the_data_folder(short_home: Path):
    home = padded(short_home, LONGEST)
    database = await Database.open(Settings.for_tests(home), migrate=False)

    assert (home / "pg" / ".s.PGSQL.5432").is_socket()
    await database.aclose()


@pytest.mark.parametrize("mode", [0o750, 0o755, 0o777, 0o701])
async def test_a_data_folder_open_to_others_is_refused(home: Path, mode: int):
    (home / "pg").mkdir()
    (home / "pg").chmod(mode)

    with pytest.raises(UnsafeHome, match=f"mode {mode:04o}") as caught:
        await Database.open(Settings.for_tests(home))

    assert caught.value.cure == f"chmod 700 '{home / 'pg'}'"


async def test_a_home_where_everybody_writes_is_refused(home: Path):
    home.chmod(0o777)

    with pytest.raises(UnsafeHome, match="Everybody can write"):
        await Database.open(Settings.for_tests(home))


def test_a_sticky_home_is_safe_enough(home: Path):
    """In a folder like the system's temporary one nobody can replace what belongs to another."""
    home.chmod(0o1777)

    check_home(home)


def test_a_data_folder_that_is_a_link_is_refused(home: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (home / "pg").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UnsafeHome, match="is not a folder"):
        check_home(home)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "h").write_text("")

    with pytest.raises(UnsafeHome, match="is not a folder"):
        check_home(tmp_path / "h")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_somebody_elses_data_folder_is_refused(home: Path, as_nobody):
    (home / "pg").mkdir(mode=0o700)
    for folder in (home, *home.parents):
        folder.chmod(folder.stat().st_mode | 0o001)

    assert as_nobody(lambda: check_home(home)) == "UnsafeHome"
