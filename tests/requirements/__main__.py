"""Writes docs/REQUIREMENTS.md: python -m tests.requirements

With --check it writes nothing and fails instead: for an id without a test, code that is gone, or a
page that is not the one the marks make.
"""

import sys

from tests import requirements


def main() -> int:
    if "--check" not in sys.argv[1:]:
        requirements.PAGE.write_text(requirements.page(), encoding="utf-8")
        return 0
    found = requirements.wrong()
    for sentence in found:
        sys.stderr.write(f"{sentence}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
