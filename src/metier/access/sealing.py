"""Sealing: texts encrypted so that only this house opens them, and only as what they were sealed as (S-32).

AES-256-GCM (NIST SP 800-38D) with a random nonce; the workspace and the name are authenticated with the text, so a
sealed text that is moved to another row does not open. The stored form names its key: `1.KEY_ID.BASE64`.

The keys are METIER_SECRET_KEY, or lines of a file in the home folder, beside the database's own folder; newest first.
"""

import os
import secrets
import stat
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from metier.errors import Unavailable

FORM = "1"
FILE = "secret.key"
NONCE_BYTES = 12  # SP 800-38D, 8.2.2: random, so a key is good for 2^32 texts


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        id: Eight hexadecimal digits that tell keys apart and tell nothing of the key.
    """

    raw: bytes = field(repr=False)

    @property
    def id(self) -> str:
        return sha256(b"metier key id" + self.raw).hexdigest()[:8]

    @classmethod
    def of(cls, text: str) -> "Key":
        """Make a key of a text that nobody guesses (HKDF, RFC 5869)."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return cls(HKDF(SHA256(), 32, salt=None, info=b"metier secrets 1").derive(text.encode()))


class Keyring(Protocol):
    """Where keys come from; asked anew for each text, so that a change holds for every process at once."""

    def known(self) -> Sequence[Key]:
        """Give the keys there are, the one to seal with first.

        Raises:
            Unavailable: They cannot be read.
        """
        ...

    def current(self) -> Key:
        """Give the key to seal with; makes one if there is none yet. Errors as in `known`."""
        ...


class GivenKeys:
    """The keys of METIER_SECRET_KEY; at least one."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._keys = tuple(map(Key.of, texts))

    def known(self) -> Sequence[Key]:
        return self._keys

    def current(self) -> Key:
        return self._keys[0]


class KeyFile:
    """A file that only its owner may use, made when the first key is needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[tuple[int, int, int], tuple[Key, ...]] | None = None

    def known(self) -> Sequence[Key]:
        try:
            return self._keys()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._trouble("cannot be read", error) from None

    def current(self) -> Key:
        if not self.known():
            self._make()
        return self.known()[0]

    def add(self) -> Key:
        """Put a new key before the others."""
        text = _new_text()
        self._write([text, *(self._texts() if self.path.exists() else ())])
        return Key.of(text)

    def keep_newest(self) -> None:
        """Throw away all keys but the one to seal with."""
        self._write(self._texts()[:1])

    def _keys(self) -> tuple[Key, ...]:
        found = self.path.lstat()
        version = (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._read is None or self._read[0] != version:
            self._read = version, tuple(map(Key.of, self._texts()))
        return self._read[1]

    def _texts(self) -> list[str]:
        handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(handle) as file:
            self._check(os.fstat(handle))
            texts = file.read().split()
        if not texts:
            raise Unavailable(f"There is no key in {str(self.path)!r}.", cure="Put the file back as it was.")
        return texts

    def _trouble(self, what: str, error: OSError) -> Unavailable:
        return Unavailable(
            f"{str(self.path)!r}, the key of all secrets, {what}: {error.strerror}.",
            cure="Make it a plain file of the user that Metier runs as, or set METIER_SECRET_KEY.",
        )

    def _check(self, status: os.stat_result) -> None:
        mode = stat.S_IMODE(status.st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Unavailable(
                f"Others than its owner may use {str(self.path)!r} (mode {mode:04o}), the key of all secrets.",
                cure=f"chmod 600 '{self.path}'",
            )

    def _make(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = self._beside([_new_text()])
            with suppress(FileExistsError):  # another process was first
                os.link(made, self.path)
            made.unlink()
        except OSError as error:
            raise self._trouble("cannot be made", error) from None

    def _write(self, texts: Sequence[str]) -> None:
        self._beside(texts).replace(self.path)

    def _beside(self, texts: Sequence[str]) -> Path:
        """Write a whole file under another name, so that nobody ever reads half of one."""
        path = self.path.with_name(f"{self.path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("".join(f"{text}\n" for text in texts))
            file.flush()
            os.fsync(file.fileno())
        return path


def seal(key: Key, text: str, bound_to: Sequence[str]) -> str:
    """Encrypt a text; `bound_to` must be the same when it is opened, such as workspace and name."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(key.raw).encrypt(nonce, text.encode(), _bound(key.id, bound_to))
    return f"{FORM}.{key.id}.{b64encode(nonce + sealed).decode()}"


def unseal(keys: Sequence[Key], sealed: str, bound_to: Sequence[str]) -> str:
    """Decrypt what `seal` made.

    Raises:
        Unavailable: None of the keys opens it, or it was sealed as something else, or changed.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key_id, _, body = sealed.removeprefix(f"{FORM}.").partition(".")
    key = next((key for key in keys if key.id == key_id), None)
    if key is None:
        raise Unavailable(
            f"The secret {bound_to[-1]!r} was sealed with the key {key_id}, which is not here.",
            cure="Set METIER_SECRET_KEY to that key or put its file back; or set the secret anew.",
        )
    try:
        raw = b64decode(body, validate=True)
        return AESGCM(key.raw).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound(key.id, bound_to)).decode()
    except (InvalidTag, ValueError):
        raise Unavailable(
            f"What is stored of the secret {bound_to[-1]!r} was changed and does not open.",
            cure="Set the secret anew.",
        ) from None


def key_id_of(sealed: str) -> str:
    """Give the id of the key that a text was sealed with."""
    return sealed.split(".")[1]


def _bound(key_id: str, bound_to: Sequence[str]) -> bytes:
    parts = [part.encode() for part in (FORM, key_id, *bound_to)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _new_text() -> str:
    return urlsafe_b64encode(os.urandom(32)).decode()
