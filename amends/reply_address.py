"""Reply addresses that lead back to their case: support+RB-2417.<key id><signature>@domain."""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from amends import settings

# Letters of base 32, which survive mail programs that change capitals: 20 bits name the key, 100
# bits sign, so that nobody finds a signature by trying.
_KEY_ID: Final = 4
_SIGNATURE: Final = 20
_LONGEST_LOCAL: Final = 64
_TAG: Final = re.compile(
    rf"(?P<ref>rb-[0-9]{{1,12}}|d-[0-9a-f]{{16}})"
    rf"\.(?P<key>[a-z2-7]{{{_KEY_ID}}})(?P<mac>[a-z2-7]{{{_SIGNATURE}}})"
)


def signed(ref: str) -> str:
    """The address under which replies about this case come in."""
    keys = _keys()
    local, _, domain = settings.load().support_address.rpartition("@")
    if not keys:
        return settings.load().support_address
    tagged = f"{local}+{ref}.{_key_id(keys[0])}{_signature(keys[0], ref)}"
    # A mailbox name that leaves no room still gets its replies; they join by Message-ID.
    return f"{tagged}@{domain}" if len(tagged) <= _LONGEST_LOCAL else f"{local}@{domain}"


def reference(address: str) -> str | None:
    """The case that the address was signed for, or None."""
    local, _, domain = address.strip().lower().rpartition("@")
    name, _, own_domain = settings.load().support_address.lower().rpartition("@")
    if domain != own_domain or not local.startswith(f"{name}+"):
        return None
    tag = _TAG.fullmatch(local[len(name) + 1 :])
    return _spelled(tag["ref"]) if tag and _is_ours(tag) else None


def is_ours(address: str) -> bool:
    """Whether mail to it is taken: the support address, our sender's, or a signed one."""
    known = settings.load()
    plain = {known.support_address.lower(), known.mail_from.lower()}
    return address.strip().lower() in plain or reference(address) is not None


def _is_ours(tag: re.Match[str]) -> bool:
    matching = (key for key in _keys() if _key_id(key) == tag["key"])
    return any(hmac.compare_digest(_signature(key, tag["ref"]), tag["mac"]) for key in matching)


def _spelled(ref: str) -> str:
    kind, _, rest = ref.partition("-")
    return f"{kind.upper()}-{rest}"


def _keys() -> Sequence[bytes]:
    """The key that signs, then those that signed before it."""
    known = settings.load()
    before = known.secret_keys_before.get_secret_value().split(",")
    texts = (known.secret_key.get_secret_value(), *before)
    return tuple(text.strip().encode() for text in texts if text.strip())


def _key_id(key: bytes) -> str:
    return _letters(hmac.digest(key, b"amends reply address key id", hashlib.sha256), _KEY_ID)


def _signature(key: bytes, ref: str) -> str:
    words = f"amends reply address\n{ref.lower()}".encode()
    return _letters(hmac.digest(key, words, hashlib.sha256), _SIGNATURE)


def _letters(digest: bytes, count: int) -> str:
    return base64.b32encode(digest).decode().lower()[:count]
