"""A plain web server on loopback whose pages a test writes down, to the byte."""

from collections.abc import Mapping

import orjson

from metier.testing.faults import Asked, ModelServer, Reply


class Origin(ModelServer):
    """Answers each path with its Reply; every other path with 404.

    Attributes:
        echoes: Give back all that was asked instead, as JSON.
    """

    def __init__(self, pages: Mapping[str, Reply] | None = None) -> None:
        super().__init__()
        self.pages = dict(pages or {})
        self.echoes = False

    def _reply(self, asked: Asked) -> Reply:
        if self.echoes:
            said = {"path": asked.path, "headers": dict(asked.headers), "body": asked.raw.decode()}
            return page(orjson.dumps(said), Content_Type="application/json")
        return self.pages.get(asked.path, Reply(status=404, headers={}))

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"http://127.0.0.1:{self.port}"


def page(body: bytes = b"ok", status: int = 200, **headers: str) -> Reply:
    """Answer with this body."""
    return Reply((body,) if body else (), status, {name.replace("_", "-"): value for name, value in headers.items()})


def redirect(to: str, status: int = 302) -> Reply:
    """Send the client elsewhere."""
    return page(b"", status, Location=to)
