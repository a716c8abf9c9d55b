"""Secret keys that can be exchanged while everything runs: the first signs, all of them verify."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from amends.settings import Settings

_ID_LETTERS = 4  # of base 32: 20 bits name a key and tell nothing of it


@dataclass(frozen=True)
class Key:
    """A key and the name that tokens carry, so that it is found again."""

    id: str
    secret: bytes = field(repr=False)


def keys(settings: Settings) -> tuple[Key, ...]:
    """The keys in use, the signing one first; none when the operator set none."""
    return tuple(Key(key_id(text), text) for text in settings.secret_keys)


def key_id(secret: bytes) -> str:
    return letters(hmac.digest(secret, b"amends reply address key id", hashlib.sha256), _ID_LETTERS)


def letters(digest: bytes, count: int) -> str:
    """Base 32 in small letters, which survive mail programs that change capitals."""
    return base64.b32encode(digest).decode().lower()[:count]


def mac(key: Key, purpose: str, text: str) -> str:
    """A hash that says nothing without the key; one purpose's is worth nothing for another."""
    words = f"amends {purpose}\n{text}".encode()
    return hmac.digest(key.secret, words, hashlib.sha256).hex()
