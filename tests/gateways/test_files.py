"""The object store: random keys, private local files, own exceptions."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from amends import facts
from amends.gateways import files

StoreMaker = Callable[[], files.Store]


@pytest.fixture
def local(tmp_path: Path) -> files.Store:
    return files.Store((tmp_path / "kept here" / "files").as_uri())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_it_gives_back_what_was_put(local: files.Store) -> None:
    key = files.new_key("attachments")
    await local.put(key, b"%PDF-1.7 letter", "application/pdf")
    assert await local.exists(key)
    assert await local.get(key) == b"%PDF-1.7 letter"


async def test_it_works_on_a_store_that_keeps_content_types() -> None:
    store = files.Store("memory:///")
    await store.put("a/b", b"x", "text/plain")
    assert await store.get("a/b") == b"x"
    await store.delete("a/b")
    assert not await store.exists("a/b")


async def test_it_replaces_on_a_second_put(local: files.Store) -> None:
    await local.put("proof/one", b"first", "application/pdf")
    await local.put("proof/one", b"second", "application/pdf")
    assert await local.get("proof/one") == b"second"


async def test_it_deletes_twice_without_complaint(local: files.Store) -> None:
    await local.put("a/b", b"x", "text/plain")
    await local.delete("a/b")
    await local.delete("a/b")
    assert not await local.exists("a/b")


async def test_it_says_not_stored_for_a_missing_key(local: files.Store) -> None:
    with pytest.raises(files.NotStored) as caught:
        await local.get("a/missing")
    assert isinstance(caught.value, facts.NotFound)


@pytest.mark.req("V5.3.1", "V13.3.2")
async def test_local_files_are_for_their_owner_only(local: files.Store, tmp_path: Path) -> None:
    key = files.new_key("attachments")
    await local.put(key, b"x", "text/plain")
    root = tmp_path / "kept here" / "files"
    assert mode(root / key) == 0o600
    assert mode((root / key).parent) == 0o700
    assert mode(root) == 0o700


@pytest.mark.req("V5.3.2", "T44")
def test_keys_are_random_and_fit_their_column() -> None:
    keys = {files.new_key("attachments") for _ in range(200)}
    assert len(keys) == 200
    assert all(key.startswith("attachments/") and len(key) < 60 for key in keys)


BAD_KEYS = ["../x", "a/../../x", "/etc/passwd", "a//b", "a/%2e%2e/b", "a\\b", "a\x00b", "a\nb", ""]


@pytest.mark.req("T44", "V5.3.2")
@pytest.mark.parametrize("key", [*BAD_KEYS, "a" * 121, "a/" + "é"])
async def test_it_refuses_keys_it_did_not_make(local: files.Store, key: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        await local.put(key, b"x", "text/plain")
    with pytest.raises(ValueError, match="letters, digits"):
        await local.get(key)


def test_it_refuses_a_prefix_that_leaves_the_store() -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        files.new_key("../attachments")


@pytest.mark.parametrize("url", ["file://elsewhere/x", "file:relative"])
def test_it_refuses_local_addresses_that_are_not_absolute(url: str) -> None:
    with pytest.raises(ValueError, match="absolute"):
        files.Store(url)


@pytest.mark.req("V16.5.2")
async def test_failures_become_one_exception_without_the_stores_words(
    local: files.Store, tmp_path: Path
) -> None:
    (tmp_path / "kept here" / "files" / "blocked").write_text("a file where a folder should be")
    with pytest.raises(files.StoreUnavailable) as caught:
        await local.put("blocked/x", b"x", "text/plain")
    assert str(tmp_path) not in str(caught.value)
    assert isinstance(caught.value, facts.Unavailable)


async def test_a_remote_store_that_does_not_answer_is_unavailable() -> None:
    store = files.Store("http://127.0.0.1:9/nothing-listens")
    with pytest.raises(files.StoreUnavailable):
        await store.get("a/b")


async def test_a_bucket_address_is_understood_and_its_failure_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "pretend")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "pretend")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    store = files.Store("s3://amends-files/prod")
    with pytest.raises(files.StoreUnavailable, match="Try again soon"):
        await store.put("a/b", b"x", "text/plain")
