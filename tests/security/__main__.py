"""Writes docs/SECURITY.md and docs/FIELDS.md: python -m tests.security"""

from tests.security import fields, mapping

if __name__ == "__main__":
    fields.PAGE.write_text(fields.page(), encoding="utf-8")
    mapping.main()
