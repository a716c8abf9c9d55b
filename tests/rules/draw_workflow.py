"""Writes docs/WORKFLOW.md from the table: `python -m tests.rules.draw_workflow`."""

from amends.rules import workflow
from tests.rules.test_workflow import DOC, drawn

_HEAD = """# States of a case

Drawn from `amends/rules/workflow.py` by `python -m tests.rules.draw_workflow`; a test compares
the two. Final states: {final}. A pair that is not listed is refused.

"""


def main() -> None:
    final = ", ".join(sorted(workflow.FINAL))
    DOC.write_text(_HEAD.format(final=final) + drawn())


if __name__ == "__main__":
    main()
