"""Attachments and documents in an object store: a local directory, S3 and others."""

import asyncio
import re
import secrets
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from amends import facts

# 24 random bytes: as hard to guess as a session token, 32 characters long.
_KEY_BYTES = 24
_KEY = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_LONGEST_KEY = 120  # the width of the column that holds it
# obstore raises its own errors, and the built-in ones for what the local disk says.
_FAILURES = (BaseError, OSError, TimeoutError)


class StoreUnavailable(facts.Unavailable):
    """The object store did not answer or refused; nothing was lost, try again later."""


class NotStored(facts.NotFound):
    """The store has no object under this key."""


def new_key(prefix: str) -> str:
    """A key nobody can guess and no file name can shape."""
    return _checked(f"{prefix}/{secrets.token_urlsafe(_KEY_BYTES)}")


def _checked(key: str) -> str:
    if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key):
        raise ValueError("a key is made of letters, digits, - and _ in parts divided by /")
    return key


class Store:
    """One object store, by its address: `file:///var/lib/amends/files`, `s3://bucket/folder`.

    Credentials of a remote store come from its usual environment variables. The content type
    is kept by remote stores for people who look there; the application has it in its own row.
    """

    def __init__(self, url: str) -> None:
        self._root = _local_root(url)
        if self._root is not None:
            # Made for its owner only before the first file, so no file is ever readable by others.
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._store = _remote(url) if self._root is None else LocalStore(self._root)

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        _checked(key)
        try:
            if self._root is None:
                named = {"Content-Type": content_type}
                await obstore.put_async(self._store, key, data, attributes=named)
            else:
                await obstore.put_async(self._store, key, data)
                await asyncio.to_thread(_close_to_others, self._root, key)
        except _FAILURES as error:
            raise _unavailable("put") from error

    async def get(self, key: str) -> bytes:
        _checked(key)
        try:
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())
        except FileNotFoundError as error:
            raise NotStored("This file is no longer stored.") from error
        except _FAILURES as error:
            raise _unavailable("get") from error

    async def delete(self, key: str) -> None:
        """Deleting what is not there is no error: a second try must end like the first."""
        _checked(key)
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except _FAILURES as error:
            raise _unavailable("delete") from error

    async def exists(self, key: str) -> bool:
        _checked(key)
        try:
            await obstore.head_async(self._store, key)
        except FileNotFoundError:
            return False
        except _FAILURES as error:
            raise _unavailable("look") from error
        return True


def _remote(url: str) -> ObjectStore:
    if url.startswith("memory:"):
        return from_url(url)
    # A page waits for this: 20 s in all, instead of the library's three minutes.
    return from_url(
        url,
        client_options={"timeout": timedelta(seconds=15), "connect_timeout": timedelta(seconds=5)},
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
    )


def _local_root(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise ValueError("a local store is written file:///absolute/path")
    return Path(unquote(parts.path))


def _close_to_others(root: Path, key: str) -> None:
    """0600 for the file, 0700 for the folders above it, up to the store's own."""
    path = root / key
    path.chmod(0o600)
    for folder in path.parents:
        if folder == root.parent:
            return
        folder.chmod(0o700)


def _unavailable(act: str) -> StoreUnavailable:
    # Never the store's own words: they hold paths, bucket names and request ids.
    return StoreUnavailable(f"Files cannot be reached at the moment ({act}). Try again soon.")
