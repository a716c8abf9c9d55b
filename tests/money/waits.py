"""Every place of the money path that waits for the database or Stripe, read from its code."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

AMENDS = Path(__file__).resolve().parents[2] / "amends"
MODULES = (
    "flow.advance", "flow.execution", "flow.preflight", "flow.refund", "flow.recharge",
    "flow.attempts", "flow.observe", "flow.observe_intent", "flow.proof", "flow.chargeback",
    "flow.fraud", "flow.strangers", "flow.settlement", "ledger", "moves", "timeline",
    "exceptions_desk",
)  # fmt: skip


@dataclass(frozen=True)
class Wait:
    """An `await`, `async with` or `async for`: all that can stop halfway."""

    module: str
    function: str
    first: int
    last: int
    text: str

    def is_on(self, passed: set[tuple[str, int]]) -> bool:
        return any((self.module, line) in passed for line in range(self.first, self.last + 1))


def in_the_code(modules: tuple[str, ...] = MODULES) -> list[Wait]:
    return [
        wait
        for module in modules
        for wait in waits_of(
            f"amends.{module}", (AMENDS / f"{module.replace('.', '/')}.py").read_text()
        )
    ]


def waits_of(module: str, source: str) -> Iterator[Wait]:
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.AsyncFunctionDef):
            for node in _own(function):
                first, last = _lines(node)
                text = (ast.get_source_segment(source, node) or "").split("\n")[0]
                name = f"{module.removeprefix('amends.')}:{function.name}"
                yield Wait(module, name, first, last, text)


def _own(function: ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """Nested functions speak for themselves."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Await | ast.AsyncWith | ast.AsyncFor):
            yield node
        todo.extend(ast.iter_child_nodes(node))


def _lines(node: ast.AST) -> tuple[int, int]:
    """Of a block only its head: what is in it has lines of its own."""
    if isinstance(node, ast.AsyncWith):
        return node.lineno, max(item.context_expr.end_lineno or 0 for item in node.items)
    if isinstance(node, ast.AsyncFor):
        return node.lineno, node.iter.end_lineno or node.lineno
    assert isinstance(node, ast.Await)
    return node.lineno, node.end_lineno or node.lineno
