"""The provider's signing key, kept in the state folder so that a restart changes nothing."""

import json
from functools import cache
from pathlib import Path

from joserfc.jwk import KeySet, RSAKey

ALGORITHM = "RS256"


def load_or_create(path: Path) -> RSAKey:
    if path.exists():
        return _read(path.read_text())
    key = fresh()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(key.as_dict(private=True)))
    return key


@cache
def _read(text: str) -> RSAKey:
    # Reading checks the primes, which takes 70 ms; tests read the same key a hundred times.
    return RSAKey.import_key(json.loads(text))


def fresh() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)


def public_set(key: RSAKey) -> dict[str, object]:
    return dict(KeySet([key]).as_dict(private=False))
