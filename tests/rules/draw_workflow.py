"""Writes docs/WORKFLOW.md from the table: `python -m tests.rules.draw_workflow`."""

from amends.rules import workflow
from tests.rules.test_workflow import DOC, drawn

_HEAD = """# States of a case

Drawn from `amends/rules/workflow.py` by `python -m tests.rules.draw_workflow`; a test compares
the two. Final states: {final}. A pair that is not listed is refused.

Over the second limit of the rules a plan needs two approvals. The first is noted in the history
(`approve_first`) and leaves the case proposed; the second, by another person, is the move below.

"""


def main() -> None:
    final = ", ".join(sorted(workflow.FINAL))
    DOC.write_text(_HEAD.format(final=final) + drawn())


if __name__ == "__main__":
    main()
