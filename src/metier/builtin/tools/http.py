"""The tool `http_request`: asks another server, under the guard, and gives the model what it can read of the answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson

from metier.access import NamedSecret, Outside
from metier.context import Context
from metier.egress import Limits, Reply, host_of
from metier.errors import GiveUp, Problem, SchemaMismatch, TryAgain
from metier.redaction import HANDLE
from metier.tools import Output, Preview, Tool

FLAG = "HTTP_REQUEST_TOOL"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SHOWN_MAX = 16_000  # characters of a body that the model is given
SECRETS_TOLD = 20  # handles in the description
LIMITS = Limits(connect_s=10, first_byte_s=25, between_s=20, total_s=45, max_bytes=2_000_000, cut=True, stay=True)

#: Headers of an answer that help to go on; all others stay outside, `Set-Cookie` above all.
TOLD = re.compile(
    r"(?i)content-type|content-language|etag|last-modified|location|link|allow|retry-after|x-ratelimit-.*"
)

_JSON = re.compile(r"application/(.+\+)?json")
_TEXT = re.compile(r"text/.+|application/(.+\+)?(json|xml|yaml|javascript|csv|x-www-form-urlencoded|x-ndjson|sql)|")

DESCRIPTION = """\
Ask another server over http or https. A redirect to another host is not followed but told. Answers are cut at \
16,000 characters. A header may hold a stored secret by its handle, secret:NAME, to the hosts it is for."""


class HttpTools:
    """Gives the tool to whoever holds the flag."""

    name = "http"
    guide = ""

    async def tools(self, ctx: Context) -> Sequence[Tool]:
        """Give the tool, with the handles there are, or nothing."""
        if ctx.outside is None or not ctx.actor.holds(FLAG):
            return ()
        secrets = await ctx.outside.secrets(ctx.actor)
        return [replace(HTTP_REQUEST, description=f"{DESCRIPTION}{_handles(secrets)}") if secrets else HTTP_REQUEST]


def toolsets() -> list[HttpTools]:
    """Give the shelf's toolsets of this file."""
    return [HttpTools()]


def _handles(secrets: Sequence[NamedSecret]) -> str:
    told = [f"secret:{one.name} for {', '.join(one.hosts)}" for one in secrets[:SECRETS_TOLD]]
    return f" There are: {'; '.join(told)}."


# --- a call ----------------------------------------------------------------------------------------------------------


async def request(ctx: Context, arguments: Mapping[str, Any]) -> Output:
    """Send the request and tell the answer."""
    outside = await _checked(ctx, arguments)
    headers, body = _content(arguments)
    url = arguments["url"]
    reply = await outside.send(ctx.actor, _method(arguments), url, headers=headers, body=body, limits=LIMITS)
    return _told(arguments, reply)


async def preview(ctx: Context, arguments: Mapping[str, Any]) -> Preview:
    """Say what would be sent where."""
    await _checked(ctx, arguments)
    path = urlsplit(str(arguments["url"])).path
    names = sorted({name for value in _headers(arguments).values() for name in HANDLE.findall(value)})
    carries = f" It carries the secrets {', '.join(names)}." if names else ""
    (host,) = targets(arguments)
    return Preview(f"{_method(arguments)} {host}{path[:100]}", f"A request leaves the workspace for {host}.{carries}")


def targets(arguments: Mapping[str, Any]) -> Sequence[str]:
    """Give the host that a call would reach."""
    host = host_of(str(arguments.get("url", "")))
    return [host] if host else []


def repeatable(arguments: Mapping[str, Any]) -> bool:
    """Say whether the same request twice does no more than once (RFC 9110, 9.2.2)."""
    return _method(arguments) not in ("POST", "PATCH")


def _method(arguments: Mapping[str, Any]) -> str:
    return arguments.get("method", "GET")


async def _checked(ctx: Context, arguments: Mapping[str, Any]) -> Outside:
    """Give the way out for a request whose host is plain and whose handles are where they are filled in."""
    if ctx.outside is None:
        raise GiveUp("There is no way out from here.")
    if not targets(arguments):
        problem = Problem("url", "there is no host in this URL", example="https://api.example.com/v1/things")
        raise SchemaMismatch("The call of http_request", [problem])
    elsewhere = HANDLE.findall(orjson.dumps([arguments["url"], arguments.get("body")]).decode())
    known = {secret.name for secret in await ctx.outside.secrets(ctx.actor)} if elsewhere else set[str]()
    if stray := next((name for name in elsewhere if name.upper().replace("-", "_") in known), None):
        raise TryAgain(f"secret:{stray} is filled in in a header only, not in the URL or the body.")
    return ctx.outside


def _content(arguments: Mapping[str, Any]) -> tuple[dict[str, str], bytes | None]:
    """Give headers and body as they are sent; what is no text goes as JSON."""
    given = _headers(arguments)
    usual = {"Accept": "application/json, text/*;q=0.9, */*;q=0.5"}
    body = arguments.get("body")
    if body is not None:
        usual["Content-Type"] = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
    named = {name.lower() for name in given}
    headers = {name: value for name, value in usual.items() if name.lower() not in named} | given
    return headers, None if body is None else body.encode() if isinstance(body, str) else orjson.dumps(body)


def _headers(arguments: Mapping[str, Any]) -> dict[str, str]:
    return dict(arguments.get("headers", {}))


# --- its answer ------------------------------------------------------------------------------------------------------


def _told(arguments: Mapping[str, Any], reply: Reply) -> Output:
    host, status = targets(arguments)[0], _status(reply.status)
    body, cut = _body(reply)
    result = {
        "status": reply.status,
        "headers": {str(name): value for name, value in reply.headers.items() if TOLD.fullmatch(name)},
        "body": body,
    }
    if cut:
        result["cut"] = cut
    if 300 <= reply.status < 400 and "Location" in reply.headers:
        message = (
            f"{host} answered {status}: it redirects to another server, which was not asked. Ask it if you mean it."
        )
    else:
        message = f"{host} answered {status}{_size(reply, body)}."
    return Output(message, result, success=reply.status < 400)


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _size(reply: Reply, body: Any) -> str:
    if body is None and reply.body:
        return f" with {len(reply.body):,} bytes of {_kind(reply) or 'an unknown type'}, which are not shown"
    return ""


def _kind(reply: Reply) -> str:
    return reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _body(reply: Reply) -> tuple[Any, str]:
    """Give what can be read of a body, as JSON or text, and in words where it was cut."""
    kind = _kind(reply)
    if not reply.body or not _TEXT.fullmatch(kind) or b"\0" in reply.body:
        return None, ""
    text = _text(reply)
    if len(text) <= SHOWN_MAX and reply.whole:
        return (_parsed(text) if _JSON.fullmatch(kind) else text), ""
    of = f"{len(text):,}" if reply.whole else f"more than {len(text):,}"
    cut = f"the first {min(len(text), SHOWN_MAX):,} of {of} characters"
    return f"{text[:SHOWN_MAX]}\n[cut here: {cut}]", cut


def _text(reply: Reply) -> str:
    named = re.search(r"charset=\"?([\w.:-]+)", reply.headers.get("Content-Type", ""))
    try:
        return reply.body.decode(named[1] if named else "utf-8", errors="replace")
    except LookupError:  # there is no such character set
        return reply.body.decode(errors="replace")


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


HTTP_REQUEST = Tool(
    name="http_request",
    description=DESCRIPTION,
    parameters={
        "type": "object",
        "properties": {
            "url": {"type": "string", "maxLength": 8_000},
            "method": {"type": "string", "enum": list(METHODS), "description": "GET if left out."},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 50},
            "body": {"type": ["string", "object", "array"], "description": "Text; anything else is sent as JSON."},
        },
        "required": ["url"],
        "additionalProperties": False,
    },
    run=request,
    flag=FLAG,
    effect="external",
    idempotent=repeatable,
    preview=preview,
    reads=("web",),
    targets=targets,
)
