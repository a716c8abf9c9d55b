"""What is installed: the product with its pages, and nothing that imitates or tests."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TAKEN = {"amends", "web", "portal", "backoffice"}
_BUILD = """
import sys
from setuptools import build_meta
folder = sys.argv[1]
build_meta.build_wheel(folder)
build_meta.build_sdist(folder)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel and a source archive, made from a copy: a build leaves folders behind."""
    folder = tmp_path_factory.mktemp("built")
    for name in _listed():
        target = folder / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    assert (folder / "source" / "sandbox" / "__main__.py").exists()
    made = [sys.executable, "-c", _BUILD, str(folder)]
    subprocess.run(made, cwd=folder / "source", check=True, capture_output=True)
    return folder


def _listed() -> Iterator[str]:
    """What belongs to the project, new files included, but not the pictures."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.splitlines():
        if not name.startswith("docs/screens") and (ROOT / name).is_file():
            yield name


@pytest.fixture(scope="module")
def installed(built: Path) -> Path:
    """The wheel's content, as it lands among the other libraries."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(built / "site")
    return built / "site"


def _run(installed: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """As on a machine without the checkout: the copy comes first, nothing of ours is set."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
    return subprocess.run(
        [sys.executable, *command], cwd=installed, env=others | {"PYTHONPATH": str(installed)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.req("V15.2.3")
def test_nothing_that_imitates_or_tests_is_installed(installed: Path) -> None:
    folders = {path.name for path in installed.iterdir()}
    (described,) = folders - TAKEN
    assert folders >= TAKEN and described.endswith(".dist-info")
    assert (installed / described / "top_level.txt").read_text().split() == sorted(TAKEN)
    strange = [path for path in installed.rglob("*")
               if {"sandbox", "tests", "bench", "model", "stripe_twin"} & set(path.parts[len(
                   installed.parts):]) or path.name.startswith(("test_", "conftest"))]  # fmt: skip
    assert strange == []


@pytest.mark.req("V15.2.3")
def test_the_source_archive_holds_no_more(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        parts = {name.split("/")[1] for name in opened.getnames() if "/" in name}
    assert parts >= {*TAKEN, "templates", "static", "setup.py"}
    assert not parts & {"sandbox", "tests", "bench", "model", "docs"}


def test_the_pages_are_installed_with_the_code(installed: Path) -> None:
    for name in ("templates", "static"):
        beside = {str(path.relative_to(ROOT)) for path in (ROOT / name).rglob("*")
                  if path.is_file()}  # fmt: skip
        inside = {str(path.relative_to(installed / "amends" / "pages"))
                  for path in (installed / "amends" / "pages" / name).rglob("*")
                  if path.is_file()}  # fmt: skip
        assert inside == beside
    opened = "import portal.app as a; house = a.app.state.house; print(a.__file__); "
    opened += "house.templates.get_template('portal/sign_in.html')"
    done = _run(installed, "-c", opened)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(installed))


def test_an_installed_demo_says_where_the_sandbox_is(installed: Path) -> None:
    done = _run(installed, "-m", "amends", "demo", "--data-dir", str(installed / "data"))
    assert done.returncode == 1
    assert "run: make demo" in done.stderr
    assert not (installed / "data").exists()
