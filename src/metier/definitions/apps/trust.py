"""Which folders of apps the operator trusts: their Python runs in Metier's process, with all that the operator may do.

A list in the settings, and a file in the home folder that `metier app trust` writes. A folder that is not listed is
never imported from, and nobody but the operator can list one.
"""

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from metier.errors import Conflict, Invalid, NotFound, Problem

FILE = "trusted-apps"  # one folder a line


class Trust:
    """The operator's list.

    Args:
        home: Metier's home folder, where the file lies.
        listed: The folders that the settings name.
    """

    def __init__(self, home: Path, listed: Iterable[Path]) -> None:
        self._file = home / FILE
        self._listed = [folder.resolve() for folder in listed]

    def folders(self) -> list[Path]:
        """Give the trusted folders, those of the settings first."""
        return list(dict.fromkeys([*self._listed, *self._written()]))

    def holds(self, folder: Path) -> bool:
        """Say whether this very folder is trusted; neither those in it nor those around it are."""
        return folder.resolve() in self.folders()

    def add(self, folder: Path) -> Path:
        """Trust a folder from now on, and give it as it is listed.

        Raises:
            Invalid: There is no such folder.
            Conflict: Others on this machine can write into it.
        """
        found = folder.resolve()
        if not found.is_dir():
            raise Invalid.of([Problem(str(folder), "is no folder")], what="The app")
        check_own(found)
        self._write([*self._written(), found])
        return found

    def remove(self, folder: Path) -> Path:
        """Trust a folder no more.

        Raises:
            NotFound: It is not trusted.
            Conflict: The settings name it.
        """
        found = folder.resolve()
        if found in self._listed:
            raise Conflict(f"{found} is trusted by METIER_TRUSTED_APPS.", cure="Take it out of that variable.")
        if found not in self._written():
            raise NotFound("trusted folder", str(found), map(str, self.folders()))
        self._write([one for one in self._written() if one != found])
        return found

    def _written(self) -> list[Path]:
        try:
            return [Path(line) for line in self._file.read_text().splitlines() if line.strip()]
        except FileNotFoundError:
            return []

    def _write(self, folders: Sequence[Path]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(f"{folder}\n" for folder in dict.fromkeys(folders))
        fresh.replace(self._file)


def check_own(path: Path) -> None:
    """Let pass what only its owner, who is this user or root, and their group can write.

    Raises:
        Conflict: Others can, and so could let code run as the operator.
    """
    found = path.stat()
    if found.st_mode & stat.S_IWOTH or found.st_uid not in (0, os.geteuid()):
        raise Conflict(f"Others on this machine can write into {path}.", cure=f"Make it yours: chmod o-w {path}")
