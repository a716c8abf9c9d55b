"""What no line of the application may do, read from its syntax: python -m tests.security.rules

Each rule names its exceptions one by one, with the reason; an exception that is not needed any
more fails too, so that the lists cannot rot.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("amends", "web", "portal", "backoffice")


@dataclass(frozen=True)
class Broken:
    rule: str
    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.rule}: {self.what}"


@dataclass(frozen=True)
class Source:
    file: str
    tree: ast.Module
    constants: frozenset[str]


Rule = Callable[[Source], Iterator[tuple[int, str]]]


def source(file: str, text: str) -> Source:
    tree = ast.parse(text)
    return Source(file, tree, frozenset(_constants(tree)))


def _constants(tree: ast.Module) -> Iterator[str]:
    """Names that a module sets once at its top, in capitals, and what it imports so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id.strip("_").isupper():
            yield node.id
        if isinstance(node, ast.Attribute) and node.attr.strip("_").isupper():
            yield node.attr


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


_GATEWAYS = re.compile(
    r"^(?:stripe(?:_\w+)?|mail|documents|evidence_pdf|paper)\.\w+$|^(?:attachment\.)?store\(\)\.\w+$"
)


def no_outside_call_in_a_transaction(at: Source) -> Iterator[tuple[int, str]]:
    """A call that may take seconds must not hold rows, and cannot be rolled back."""
    for node in ast.walk(at.tree):
        if not isinstance(node, ast.AsyncWith):
            continue
        if not any("in_transaction" in ast.unparse(each.context_expr) for each in node.items):
            continue
        for awaited in (
            n for body in node.body for n in ast.walk(body) if isinstance(n, ast.Await)
        ):
            if isinstance(awaited.value, ast.Call):
                name = ast.unparse(awaited.value.func)
                if _GATEWAYS.match(name):
                    yield awaited.lineno, name


_RUNS_SQL = ("execute_query", "execute_query_dict", "execute_script", "execute", "execute_insert")


def no_sql_from_input(at: Source) -> Iterator[tuple[int, str]]:
    """A statement is a constant, or made of constants; values travel beside it."""
    for call, name in _calls(at.tree):
        if name.rpartition(".")[2] in _RUNS_SQL and call.args and not _is_fixed(at, call.args[0]):
            yield call.lineno, ast.unparse(call.args[0])[:80]


def _is_fixed(at: Source, node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in at.constants
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_fixed(at, left) and _is_fixed(at, right)
        case ast.JoinedStr(values=parts):
            return all(_is_fixed(at, getattr(part, "value", part)) if isinstance(
                part, ast.FormattedValue) else True for part in parts)  # fmt: skip
    return False


def no_trusted_markup(at: Source) -> Iterator[tuple[int, str]]:
    for call, name in _calls(at.tree):
        last = name.rpartition(".")[2]
        if last in ("Markup", "from_string", "mark_safe"):
            yield call.lineno, name
        if any(k.arg == "autoescape" and not _is_true(k.value) for k in call.keywords):
            yield call.lineno, "autoescape is not on"


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def no_route_past_the_guard(at: Source) -> Iterator[tuple[int, str]]:
    """Addresses are made by guards.route, which asks who may use them."""
    if not at.file.startswith(("portal/", "backoffice/")):
        return
    for call, name in _calls(at.tree):
        if name.rpartition(".")[2] in ("Route", "Mount", "add_route", "mount", "WebSocketRoute"):
            yield call.lineno, name
        listed = "portal/routes" in at.file or "backoffice/routes" in at.file
        if listed and name == "route" and not any(k.arg == "allow" for k in call.keywords):
            yield call.lineno, "no allow="


def no_guessable_secret(at: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(at.tree):
        if isinstance(node, ast.Import) and any(a.name == "random" for a in node.names):
            yield node.lineno, "import random"
        if isinstance(node, ast.ImportFrom) and node.module == "random":
            yield node.lineno, "from random"
    for call, name in _calls(at.tree):
        if name.rpartition(".")[2] in ("uuid1", "uuid4"):
            yield call.lineno, name


_SECRET = re.compile(
    r"(?:^|[._])(?:token|secret|signature|mac|code_hash|password|nonce|state_key)$"
)


def no_plain_comparison_of_secrets(at: Source) -> Iterator[tuple[int, str]]:
    """How long a comparison takes must not tell how much of a guess was right."""
    for node in ast.walk(at.tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = [ast.unparse(each) for each in (node.left, *node.comparators)]
            fixed = any(isinstance(each, ast.Constant) for each in node.comparators)
            if not fixed and any(_SECRET.search(side) for side in sides):
                yield node.lineno, ast.unparse(node)


_WEAK = ("md5", "sha1", "new")
_CODE = ("eval", "exec", "compile", "__import__")
_UNPACKS = ("pickle", "marshal", "shelve", "yaml", "dill")
_XML = ("xml", "lxml", "defusedxml", "xmltodict")


def no_weak_or_running_thing(at: Source) -> Iterator[tuple[int, str]]:
    """No broken hashes, no code from text, no objects from bytes, no XML, no shell."""
    for node in ast.walk(at.tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name.split(".")[0] in (*_UNPACKS, *_XML):
                yield node.lineno, name  # type: ignore[attr-defined]
    for call, name in _calls(at.tree):
        if name in _CODE or (name.startswith("hashlib.") and name.endswith(_WEAK)):
            yield call.lineno, name
        if any(k.arg == "shell" and _is_true(k.value) for k in call.keywords):
            yield call.lineno, "shell=True"
        if name in ("os.system", "os.popen"):
            yield call.lineno, name


def no_pattern_from_input(at: Source) -> Iterator[tuple[int, str]]:
    """Regular expressions and formats are ours."""
    for call, name in _calls(at.tree):
        pattern = name.startswith("re.") and call.args and name != "re.escape"
        if pattern and not (_is_fixed(at, call.args[0]) or "re.escape" in ast.unparse(call)):
            yield call.lineno, ast.unparse(call)[:80]


_MOVING = ("create_async", "update_async", "cancel_async", "close_async", "confirm_async")


def no_stripe_write_without_a_key(at: Source) -> Iterator[tuple[int, str]]:
    if not at.file.startswith("amends/gateways/stripe"):
        return
    for call, name in _calls(at.tree):
        writes = name.endswith(_MOVING) or (
            name.endswith("raw_request_async") and "post" in ast.unparse(call)
        )
        if writes and "idempotency_key" not in ast.unparse(call):
            yield call.lineno, name


_CLIENTS = ("httpx2", "httpx", "requests", "urllib.request", "aiohttp", "socket", "http.client")


def no_way_out_but_the_known(at: Source) -> Iterator[tuple[int, str]]:
    """Who talks to other machines; nobody fetches an address that a customer wrote."""
    for node in ast.walk(at.tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name in _CLIENTS:
                yield node.lineno, name  # type: ignore[attr-defined]
    for call, _ in _calls(at.tree):
        if any(k.arg == "follow_redirects" and _is_true(k.value) for k in call.keywords):
            yield call.lineno, "follow_redirects=True"


def no_log_beside_structlog(at: Source) -> Iterator[tuple[int, str]]:
    for call, name in _calls(at.tree):
        if name.startswith("logging.") and not name.startswith("logging.getLogger"):
            yield call.lineno, name
        if name == "print":
            yield call.lineno, name


RULES: tuple[Rule, ...] = (
    no_outside_call_in_a_transaction,
    no_sql_from_input,
    no_trusted_markup,
    no_route_past_the_guard,
    no_guessable_secret,
    no_plain_comparison_of_secrets,
    no_weak_or_running_thing,
    no_pattern_from_input,
    no_stripe_write_without_a_key,
    no_way_out_but_the_known,
    no_log_beside_structlog,
)


def sources() -> Iterable[Source]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield source(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))


def broken(at: Source) -> Iterator[Broken]:
    for rule in RULES:
        for line, what in rule(at):
            yield Broken(rule.__name__, at.file, line, what)


def main() -> int:
    from tests.security.rule_exceptions import EXCEPTIONS

    found = [one for at in sources() for one in broken(at)]
    left = [one for one in found if (one.rule, one.file) not in EXCEPTIONS]
    unused = set(EXCEPTIONS) - {(one.rule, one.file) for one in found}
    for one in left:
        sys.stderr.write(f"{one}\n")
    for rule, file in sorted(unused):
        sys.stderr.write(f"{file}: the exception from {rule} is not needed any more\n")
    return 1 if left or unused else 0


if __name__ == "__main__":
    sys.exit(main())
