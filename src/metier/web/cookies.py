"""The two cookies: who is signed in, and who holds the welcome link."""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from metier.access import SignedIn, Welcome
from metier.api.auth import SIGN_IN_COOKIE, metier_of

WELCOME_COOKIE = "metier_welcome"


def keep_sign_in(request: Request, answer: Response, signed_in: SignedIn) -> Response:
    """Put the sign-in into the browser; the welcome is over then."""
    _set(request, answer, SIGN_IN_COOKIE, signed_in.token, signed_in.expires_at)
    answer.delete_cookie(WELCOME_COOKIE)
    return answer


def keep_welcome(request: Request, answer: Response, welcome: Welcome) -> Response:
    """Put the right to make the first admin into the browser."""
    _set(request, answer, WELCOME_COOKIE, welcome.token, welcome.expires_at)
    return answer


def drop_sign_in(answer: Response) -> Response:
    """Take the sign-in out of the browser."""
    answer.delete_cookie(SIGN_IN_COOKIE)
    return answer


def _set(request: Request, answer: Response, name: str, value: str, until: datetime) -> None:
    metier = metier_of(request)
    secure = request.url.scheme == "https" or (metier.settings.public_url or "").startswith("https:")
    lasts = int((until - metier.clock.now()).total_seconds())  # a browser's clock may be wrong, its stop-watch is not
    answer.set_cookie(name, value, max_age=lasts, httponly=True, samesite="lax", secure=secure)
