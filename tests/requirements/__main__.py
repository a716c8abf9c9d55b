"""Writes docs/REQUIREMENTS.md: python -m tests.requirements"""

from tests import requirements


def main() -> None:
    requirements.PAGE.write_text(requirements.page(), encoding="utf-8")


if __name__ == "__main__":
    main()
