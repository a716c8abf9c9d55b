"""docs/SECURITY.md: each threat and requirement, the code that holds it, and what shows it."""

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from tests import requirements
from tests.requirements import Shown

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "SECURITY.md"
_ROWS = Path(__file__).parent / "rows.toml"
_SHOWN = Path(__file__).parent / "documents.toml"
# Of the ids, so many per cent at least are shown by a test.
LEAST_AUTOMATED = 85


@dataclass(frozen=True)
class Row:
    """One threat (T..) or requirement (V..) in our own words, and the code that holds it."""

    id: str
    kind: str
    what: str
    code: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A line of a document that shows an id, named by words that stand in it."""

    file: str
    words: str


def rows() -> tuple[Row, ...]:
    entries = tomllib.loads(_ROWS.read_text(encoding="utf-8"))["row"]
    return TypeAdapter(tuple[Row, ...]).validate_python(entries)


def documents() -> Mapping[str, tuple[Document, ...]]:
    entries = tomllib.loads(_SHOWN.read_text(encoding="utf-8")).get("document", {})
    return TypeAdapter(dict[str, tuple[Document, ...]]).validate_python(entries)


def gaps() -> Mapping[str, str]:
    """What is not done, said in a sentence."""
    found = tomllib.loads(_SHOWN.read_text(encoding="utf-8")).get("gap", {})
    return TypeAdapter(dict[str, str]).validate_python(found)


def partial() -> Mapping[str, str]:
    """What is shown, but not in all its parts."""
    found = tomllib.loads(_SHOWN.read_text(encoding="utf-8")).get("partial", {})
    return TypeAdapter(dict[str, str]).validate_python(found)


def automated(known: tuple[Row, ...], tests: Mapping[str, tuple[Shown, ...]]) -> float:
    """Per cent of the ids that a test shows."""
    return 100 * sum(row.id in tests for row in known) / len(known)


def page() -> str:
    """The whole page, as it stands in docs/SECURITY.md."""
    known, tests, written = rows(), requirements.marks(), documents()
    shown = sum(row.id in tests for row in known)
    by_document = sum(row.id not in tests and row.id in written for row in known)
    head = _HEAD.format(
        ids=len(known), shown=shown, percent=automated(known, tests), documents=by_document,
        missing=len(known) - shown - by_document,
    )  # fmt: skip
    missing = [_gap(identifier, why) for identifier, why in gaps().items()]
    parts = [head, *(missing or ["Nothing."])]
    parts.append("\n## Shown in part\n")
    parts += [_gap(identifier, why) for identifier, why in partial().items()]
    for title, kind in (("Threats", "T"), ("ASVS 5.0", "V")):
        parts.append(f"\n## {title}\n")
        parts += [_line(row, tests, written) for row in known if row.id.startswith(kind)]
    return "\n".join(parts)


_HEAD = """# Security: what is required, where it is held, what shows it

Written by `python -m tests.security` from the marks of the tests, `tests/security/rows.toml` and
`tests/security/documents.toml`; `tests/security/test_mapping.py` fails when it is stale, when an
id is shown by nothing and is not named under "Not shown", and when tests show less than 85 per
cent. The threats are ours; the requirements are those of ASVS 5.0 levels 1 and 2 that apply, with
15 of level 3.

{ids} ids. {shown} are shown by tests ({percent:.1f} per cent), {documents} by a line of a document,
{missing} are not shown.

Who may use which address stands in `tests/security/access.toml`; how a door is put on the network
in [DEPLOY.md](DEPLOY.md); what scanners found in [DAST.md](DAST.md).

## Not shown
"""


def _gap(identifier: str, why: str) -> str:
    return f"- {identifier}: {why}"


def _line(
    row: Row, tests: Mapping[str, tuple[Shown, ...]], written: Mapping[str, tuple[Document, ...]]
) -> str:
    code = ", ".join(f"`{each}`" for each in row.code)
    by_file: dict[str, list[str]] = {}
    for test in tests.get(row.id, ()):
        by_file.setdefault(test.file, []).append(test.name.removeprefix("test_").replace("_", " "))
    shown = [f"  - `{file}`: {'; '.join(dict.fromkeys(names))}" for file, names in by_file.items()]
    shown += [f"  - `{each.file}`: “{each.words}”" for each in written.get(row.id, ())]
    return "\n".join(
        [f"**{row.id}** ({row.kind}) {row.what}", f"- where: {code}", "- shown by:",
         *(shown or ["  - nothing"]), ""]
    )  # fmt: skip


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    known, tests = rows(), requirements.marks()
    left = [row.id for row in known if row.id not in tests and row.id not in documents()]
    sys.stderr.write(f"{automated(known, tests):.1f} % by tests; not shown: {' '.join(left)}\n")
