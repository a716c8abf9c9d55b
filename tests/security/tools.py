"""The scanners of `make check`: python -m tests.security.tools [--accept]

Bandit and detect-secrets compare with a list of what a person has looked at; anything new fails.
`--accept` writes both lists anew, to be read before they are committed.
"""

import subprocess
import sys
from pathlib import Path

from tests.security import rules

ROOT = Path(__file__).parents[2]
BANDIT = ROOT / "tests" / "security" / "bandit-baseline.json"
SECRETS = ROOT / "tests" / "security" / "secrets-baseline.json"
SBOM = ROOT / "build" / "sbom.json"
_BIN = Path(sys.executable).parent
_LOOKED_AT = ("amends", "web", "portal", "backoffice", "templates", "docs", ".ci", "Makefile",
              "pyproject.toml", "README.md")  # fmt: skip


def bandit() -> int:
    """Nothing of medium or high weight beside what is on the list."""
    command = [_BIN / "bandit", "-q", "-r", *rules.PACKAGES, "-ll", "-b", BANDIT]
    return _run(*command, "-f", "custom", "--msg-template", "{relpath}:{line} {test_id} {msg}")


def accept_bandit() -> None:
    _run(_BIN / "bandit", "-q", "-r", *rules.PACKAGES, "-ll", "-f", "json", "-o", BANDIT)


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
        accept_bandit()
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
