"""The scanners of `make check`: python -m tests.security.tools [--accept]

Bandit and detect-secrets compare with a list of what a person has looked at; anything new fails.
Of bandit each place has its reason in bandit_findings.py. `--accept` writes the list of secrets
anew, to be read before it is committed.
"""

import ast
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.security import rules
from tests.security.bandit_findings import FINDINGS, Place

ROOT = Path(__file__).parents[2]
SECRETS = ROOT / "tests" / "security" / "secrets-baseline.json"
SBOM = ROOT / "build" / "sbom.json"
_BIN = Path(sys.executable).parent
_LOOKED_AT = ("amends", "web", "portal", "backoffice", "templates", "docs", ".ci", "Makefile",
              "pyproject.toml", "README.md")  # fmt: skip


def bandit() -> int:
    """Nothing of medium or high weight beside what bandit_findings.py gives a reason for."""
    wrong = [
        f"{file} {name} {rule}: {found[place]} findings, {FINDINGS.get(place, (0,))[0]} looked at"
        for found in [places()]
        for place in sorted({*found, *FINDINGS})
        for file, name, rule in [place]
        if found[place] != FINDINGS.get(place, (0,))[0]
    ]
    sys.stderr.writelines(f"{each}\n" for each in wrong)
    return 1 if wrong else 0


def places(*more: Path) -> Counter[Place]:
    """How many findings stand in each file under each name of its top level."""
    command = [_BIN / "bandit", "-q", "-r", *rules.PACKAGES, *more, "-ll", "-f", "json"]
    done = subprocess.run([str(each) for each in command], cwd=ROOT, check=False,
                          capture_output=True, text=True)  # fmt: skip
    found = json.loads(done.stdout)
    assert not found["errors"], found["errors"]
    return Counter(_place(each["filename"], each["line_number"], each["test_id"])
                   for each in found["results"])  # fmt: skip


def _place(file: str, line: int, rule: str) -> Place:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    (node,) = [each for each in tree.body if each.lineno <= line <= (each.end_lineno or 0)]
    name = getattr(node, "name", "")
    if isinstance(node, ast.Assign | ast.AnnAssign):
        name = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
    return file, name, rule


def secrets(*more: Path) -> int:
    """No key, password or token in code, pages or documents."""
    return _run(_BIN / "detect-secrets-hook", "--baseline", SECRETS, *_files(), *more)


def accept_secrets() -> None:
    command = [_BIN / "detect-secrets", "scan", "--slim", *_files()]
    SECRETS.write_text(subprocess.run(command, cwd=ROOT, check=True, capture_output=True,
                                      text=True).stdout)  # fmt: skip


def _files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", *_LOOKED_AT], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.split()  # fmt: skip
    return [each for each in listed if "docs/screens" not in each and (ROOT / each).exists()]


def sbom() -> int:
    """What the product is made of, as CycloneDX."""
    SBOM.parent.mkdir(exist_ok=True)
    return _run(_BIN / "cyclonedx-py", "environment", _BIN.parent, "--of", "JSON", "-o", SBOM)


def _run(*command: str | Path) -> int:
    return subprocess.run([str(each) for each in command], cwd=ROOT, check=False).returncode


def main() -> int:
    if "--accept" in sys.argv:
        accept_secrets()
    if "--sbom" in sys.argv:
        return sbom()
    results = {"rules": rules.main(), "bandit": bandit(), "detect-secrets": secrets()}
    for name, result in results.items():
        if result:
            sys.stderr.write(f"{name} found something\n")
    return max(results.values())


if __name__ == "__main__":
    sys.exit(main())
