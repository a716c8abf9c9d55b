"""Makes the database's group roles and gives each what the table of rights says."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from amends import rights
from amends.rights import TABLES, Process

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Outcome:
    """What `apply` did. `todo` says what an administrator of the server has to do first."""

    todo: str = ""


def apply(connection: Connection) -> Outcome:
    """Roles, grants and row rules as the table of rights has them; safe to run again."""
    missing = _missing(connection)
    if missing and not _may_create(connection):
        return Outcome(_BY_HAND.format(commands=" ".join(f"CREATE ROLE {m};" for m in missing)))
    with connection.transaction():
        for role in missing:
            connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(role)))
        for statement in statements(connection):
            connection.execute(statement)
    return Outcome()


_BY_HAND = (
    "The processes are not kept apart yet: this database user may not create roles. Let an "
    "administrator of the server run: {commands} Then run `amends migrate` again."
)


def _missing(connection: Connection) -> list[str]:
    found = {str(row[0]) for row in connection.execute("SELECT rolname FROM pg_roles")}
    return [process.role for process in Process if process.role not in found]


def _may_create(connection: Connection) -> bool:
    row = connection.execute(
        "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    return bool(row and row[0])


def make_logins(connection: Connection) -> None:
    """The embedded server's users, one per process; nobody else has an account there."""
    for role in _missing(connection):
        connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(role)))
    found = {str(row[0]) for row in connection.execute("SELECT rolname FROM pg_roles")}
    for process in Process:
        if process.login not in found:
            made = SQL("CREATE ROLE {} LOGIN IN ROLE {}")
            connection.execute(made.format(Identifier(process.login), Identifier(process.role)))


def statements(connection: Connection) -> Iterator[Composed]:
    """Take everything away, then give what the table says; to be run in one transaction."""
    schema = Identifier(_schema(connection))
    everyone = SQL(", ").join(Identifier(process.role) for process in Process)
    yield SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(schema, everyone)
    yield SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA {} FROM {}").format(schema, everyone)
    yield SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, everyone)
    numbered = _numbered(connection)
    for name, table in TABLES.items():
        for process in Process:
            yield from _grants(name, table.rights(process), process, numbered.get(name, ()))
        yield from _row_rules(connection, name, table)
    for sequence, who in rights.SEQUENCES.items():
        for process, privileges in who.items():
            yield _grant(SQL(privileges), sequence, process, _SEQUENCE)


def _grants(
    name: str, given: tuple[rights.Right, ...], process: Process, sequences: tuple[str, ...]
) -> Iterator[Composed]:
    for right in given:
        yield _grant(SQL(right.sql), name, process)
    if any(right.verb == "insert" for right in given):
        for sequence in sequences:
            yield _grant(SQL("USAGE"), sequence, process, _SEQUENCE)


_TABLE = SQL("")
_SEQUENCE = SQL("SEQUENCE ")


def _grant(what: SQL, on: str, process: Process, kind: SQL = _TABLE) -> Composed:
    return SQL("GRANT {} ON {}{} TO {}").format(
        what, kind, Identifier(on), Identifier(process.role)
    )


def _row_rules(connection: Connection, name: str, table: rights.Table) -> Iterator[Composed]:
    """With row rules on, a role without a rule would see nothing: everyone gets one."""
    if not table.rows:
        return
    if not _has_row_rules(connection, name):
        yield SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(Identifier(name))
    for process in Process:
        rows = table.rows.get(process, rights.Rows())
        rule, on, role = (Identifier(each) for each in (f"{process.role}_rows", name, process.role))
        yield SQL("DROP POLICY IF EXISTS {} ON {}").format(rule, on)
        yield SQL("CREATE POLICY {} ON {} TO {} USING ({}) WITH CHECK ({})").format(
            rule, on, role, SQL(rows.sees), SQL(rows.writes)
        )  # fmt: skip


def _has_row_rules(connection: Connection, name: str) -> bool:
    row = connection.execute(
        "SELECT relrowsecurity FROM pg_class WHERE oid = to_regclass(%s)", (name,)
    ).fetchone()
    return bool(row and row[0])


def _schema(connection: Connection) -> str:
    row = connection.execute("SELECT current_schema()").fetchone()
    return str(row[0]) if row else "public"


def _numbered(connection: Connection) -> dict[str, tuple[str, ...]]:
    """The sequences behind the numbered columns of each table."""
    found: dict[str, tuple[str, ...]] = {}
    for table, sequence in connection.execute(_SEQUENCES):
        found[str(table)] = (*found.get(str(table), ()), str(sequence))
    return found


_SEQUENCES = """
SELECT t.relname, s.relname FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_class t ON t.oid = d.refobjid AND t.relnamespace = current_schema()::regnamespace
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
  AND d.deptype IN ('a', 'i')
"""


@dataclass(frozen=True)
class Standing:
    """What the present database user is: `process` None when it is a member of no group."""

    process: Process | None
    writes_ledger: bool
    roles_exist: bool


def standing(connection: Connection) -> Standing:
    """Whose rights this connection has."""
    missing = _missing(connection)
    mine = [
        process for process in Process
        if process.role not in missing and _is_member(connection, process)
    ]  # fmt: skip
    row = connection.execute(
        "SELECT has_table_privilege(to_regclass('ledger'), 'INSERT')"
    ).fetchone()
    only = mine[0] if len(mine) == 1 else None
    return Standing(only, bool(row and row[0]), not missing)


def _is_member(connection: Connection, process: Process) -> bool:
    row = connection.execute("SELECT pg_has_role(%s, 'MEMBER')", (process.role,)).fetchone()
    return bool(row and row[0])
