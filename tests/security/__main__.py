"""Writes docs/SECURITY.md: python -m tests.security"""

from tests.security import mapping

if __name__ == "__main__":
    mapping.main()
