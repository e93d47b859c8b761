"""Security headers: a Content-Security-Policy with a fresh nonce on every page, and the small ones on every answer.

Source: OWASP ASVS 5.0, V3 "Web Frontend Security".
"""

import secrets
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
POLICY = "Content-Security-Policy"


def new_nonce() -> str:
    """Give a value that marks the inline elements of one page as ours."""
    return secrets.token_urlsafe(16)


def policy(nonce: str | None = None) -> str:
    """Write the policy of a page; without a nonce nothing inline runs."""
    inline = f" 'nonce-{nonce}'" if nonce else ""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self'{inline}",
            f"style-src 'self'{inline}",
            "img-src 'self' data: blob:",
            "frame-ancestors 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        )
    )


class SecurityHeaders:
    """Adds to every answer what it does not say itself. HTML that names no policy gets the one without a nonce."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                complete(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, send_with_headers)


def complete(headers: MutableHeaders) -> None:
    """Put in what is missing."""
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    if headers.get("content-type", "").startswith("text/html"):
        headers.setdefault(POLICY, policy())
        headers.setdefault("Cache-Control", "no-store")
