"""The browser bundles: which built file a page names, and how it is served.

frontend/src → node build.mjs → static/dist/app-3KX2.js, .js.gz, manifest.json → /static/app-3KX2.js

A built file's name holds its hash, so browsers may keep it for ever.
"""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from metier.errors import NotFound

DIST = Path(__file__).parent / "static" / "dist"
BUILD_COMMAND = "make setup"
FOREVER = "public, max-age=31536000, immutable"


@dataclass
class Assets:
    """The built files of one folder; a new build is noticed by the manifest's time."""

    folder: Path = DIST
    _names: Mapping[str, str] = field(default_factory=dict[str, str])
    _read_at: int = -1

    def url(self, name: str) -> str | None:
        """Give where a page finds `app.js` or `style.css`; None if it was not built."""
        built = self._manifest().get(name)
        return f"/static/{built}" if built else None

    @property
    def missing(self) -> bool:
        """Whether there are no bundles to serve."""
        return "app.js" not in self._manifest()

    def answer(self, request: Request, name: str) -> Response:
        """Answer with a built file, gzipped for whoever takes it.

        Raises:
            NotFound: The name is not one of a built file.
        """
        path = self.folder / name
        if Path(name).name != name or path.suffix not in (".js", ".css") or not path.is_file():
            raise NotFound("file", name)
        headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
        packed = path.with_name(f"{name}.gz")
        if "gzip" in request.headers.get("accept-encoding", "") and packed.is_file():
            headers["Content-Encoding"] = "gzip"
            path = packed
        return FileResponse(path, headers=headers, media_type=_media_type(name))

    def _manifest(self) -> Mapping[str, str]:
        path = self.folder / "manifest.json"
        changed = path.stat().st_mtime_ns if path.exists() else 0
        if changed != self._read_at:
            body: dict[str, Any] = orjson.loads(path.read_bytes()) if changed else {}  # written by build.mjs
            self._names, self._read_at = body, changed
        return self._names


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
