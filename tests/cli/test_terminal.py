"""What the commands print."""

import io
import os

import pytest

from metier.cli import terminal

LONG = "IS_ROW_LEVEL_PERMISSION_PREDICATES_ENABLED"


class Tty(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def printed(monkeypatch: pytest.MonkeyPatch, out: io.StringIO, columns: int) -> list[str]:
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((columns, 24)))
    terminal.say_table(["key", "value"], [[LONG, "on"], ["a\nb", "off"]])
    return out.getvalue().splitlines()


def test_a_program_gets_the_cells_whole(monkeypatch: pytest.MonkeyPatch):
    lines = printed(monkeypatch, io.StringIO(), columns=20)

    assert lines[1] == f"{LONG}  on"
    assert lines[2].split() == ["a", "b", "off"]


def test_a_wide_terminal_shows_the_cells_whole(monkeypatch: pytest.MonkeyPatch):
    assert printed(monkeypatch, Tty(), columns=80)[1] == f"{LONG}  on"


def test_a_narrow_terminal_cuts_long_cells(monkeypatch: pytest.MonkeyPatch):
    lines = printed(monkeypatch, Tty(), columns=45)

    assert lines[1] == f"{LONG[:39]}…  on"
