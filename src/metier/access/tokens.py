"""Tokens: random, recognisable by their first letters, stored as SHA-256 only."""

import hashlib
import secrets

KEY = "mk_"
SIGN_IN = "ms_"
LINK = "ml_"
INVITATION = "mi_"


def new_token(prefix: str) -> str:
    """Give a token of 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Give what is stored of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
