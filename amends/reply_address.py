"""Reply addresses that lead back to their case: support+RB-2417.<key id><signature>@domain."""

import hashlib
import hmac
import re
from typing import Final

from amends import keyring, settings

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
    keys = keyring.keys(settings.load())
    local, _, domain = settings.load().support_address.rpartition("@")
    if not keys:
        return settings.load().support_address
    tagged = f"{local}+{ref}.{keys[0].id}{_signature(keys[0].secret, ref)}"
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
    known = (key.secret for key in keyring.keys(settings.load()) if key.id == tag["key"])
    return any(hmac.compare_digest(_signature(key, tag["ref"]), tag["mac"]) for key in known)


def _spelled(ref: str) -> str:
    kind, _, rest = ref.partition("-")
    return f"{kind.upper()}-{rest}"


def _signature(key: bytes, ref: str) -> str:
    words = f"amends reply address\n{ref.lower()}".encode()
    return keyring.letters(hmac.digest(key, words, hashlib.sha256), _SIGNATURE)
