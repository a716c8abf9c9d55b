"""Least rights, shown by trying: every write that the table of rights does not give is refused."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from amends import embedded, migrate, rights, roles
from amends.rights import APPEND_ONLY, TABLES, Process

_PAGE = Path(__file__).parents[2] / "docs" / "RIGHTS.md"
_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_name = %s AND table_schema = 'public'
"""


@pytest.fixture
def connection(anyio_backend: str, shared_database_url: str) -> Iterator[roles.Connection]:
    with psycopg.connect(shared_database_url) as made:
        yield made
        made.rollback()


def tables(connection: roles.Connection) -> set[str]:
    found = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    return {str(row[0]) for row in found}


def columns(connection: roles.Connection, table: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(_COLUMNS, (table,))]


def refused(connection: roles.Connection, statement: str) -> bool:
    """Whether the present role lacks the right; any other complaint means that it has it."""
    return complaint(connection, statement).startswith(("permission denied", "must be owner"))


def complaint(connection: roles.Connection, statement: str) -> str:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.diag.message_primary or ""
    return ""


def bars_the_row(connection: roles.Connection, statement: str) -> bool:
    return "row-level security" in complaint(connection, statement)


def given(table: str, process: Process, verb: str) -> tuple[bool, tuple[str, ...]]:
    """Whether the table of rights gives the verb, and on which columns (none: all)."""
    found = [right for right in TABLES[table].rights(process) if right.verb == verb]
    return bool(found), found[0].columns if found else ()


@pytest.mark.req("V13.2.2", "V8.1.1", "T58")
def test_every_table_has_its_row_of_rights(connection: roles.Connection) -> None:
    assert tables(connection) == set(TABLES)


def test_rights_name_only_columns_that_exist(connection: roles.Connection) -> None:
    for name, table in TABLES.items():
        known = set(columns(connection, name))
        for process in Process:
            for right in table.rights(process):
                assert set(right.columns) <= known, (name, process, right)


@pytest.mark.req("V13.2.2", "T25", "T28", "T58", "V13.2.1")
@pytest.mark.parametrize("process", list(Process))
def test_every_write_that_is_not_given_is_refused(
    connection: roles.Connection, process: Process
) -> None:
    known = {name: columns(connection, name) for name in TABLES}
    connection.execute(f"SET ROLE {process.role}".encode())
    wrong = [line for name in TABLES for line in _tried(connection, name, known[name], process)]
    assert wrong == []


def _tried(
    connection: roles.Connection, name: str, known: list[str], process: Process
) -> Iterator[str]:
    """Every verb, and every column of an update, against the table of rights."""
    attempts = {
        "insert": f"INSERT INTO {name} DEFAULT VALUES",
        "delete": f"DELETE FROM {name} WHERE false",
    }
    for verb, statement in attempts.items():
        if refused(connection, statement) is given(name, process, verb)[0]:
            yield f"{process} {verb} {name}"
    for truncate in (f"TRUNCATE {name} CASCADE", f"DROP TABLE {name} CASCADE"):
        if not refused(connection, truncate):
            yield f"{process} {truncate}"
    may, only = given(name, process, "update")
    for column in known:
        expected = may and (not only or column in only)
        if refused(connection, f"UPDATE {name} SET {column} = DEFAULT WHERE false") is expected:
            yield f"{process} update {name}.{column}"
    may, only = given(name, process, "read")
    for column in known:
        expected = may and (not only or column in only)
        if refused(connection, f"SELECT {column} FROM {name} WHERE false") is expected:
            yield f"{process} read {name}.{column}"


@pytest.mark.req("V16.4.2", "T35")
def test_no_process_changes_or_deletes_what_only_grows() -> None:
    for name in APPEND_ONLY:
        for process in Process:
            verbs = {right.verb for right in TABLES[name].rights(process)}
            assert not verbs & {"update", "delete"}, (name, process)


@pytest.mark.req("V13.2.2", "T58")
def test_the_portal_reaches_neither_decisions_nor_money_nor_staff() -> None:
    for name in ("approval", "ledger", "attempt", "policy_version", "rule_proposal"):
        assert TABLES[name].rights(Process.PORTAL) == ()
    for name in ("person", "plan", "leg"):
        writes = {right.verb for right in TABLES[name].rights(Process.PORTAL)}
        assert "insert" not in writes
    assert {right.verb for right in TABLES["person"].rights(Process.PORTAL)} == {"read"}


@pytest.mark.req("V13.2.2")
def test_the_desk_writes_neither_the_ledger_nor_results_of_attempts() -> None:
    assert TABLES["ledger"].rights(Process.BACKOFFICE) == ()
    assert [right.verb for right in TABLES["attempt"].rights(Process.BACKOFFICE)] == ["read"]
    verbs = {right.verb for right in TABLES["leg"].rights(Process.BACKOFFICE)}
    assert verbs == {"read", "insert"}


@pytest.mark.req("V13.2.2", "T07", "T58")
def test_the_portal_sees_and_makes_no_session_of_the_desk(connection: roles.Connection) -> None:
    connection.execute(
        "INSERT INTO person (id, issuer, subject, email, name, roles, active, shortcuts,"
        " created_at)"
        " VALUES (1, 'i', 'dana', 'dana@amends.example', 'Dana', '[]', true, true, now())"
    )
    made = (
        "INSERT INTO session (token_hash, door, person_id, email, auth_time, created_at,"
        " last_seen_at, expires_at, user_agent, address)"
        " VALUES ('{}', '{}', {}, 'd', now(), now(), now(), now(), '', '')"
    )
    connection.execute(made.format("a", "desk", 1).encode())
    connection.execute(b"SET ROLE amends_portal")
    assert connection.execute("SELECT count(*) FROM session").fetchone() == (0,)
    assert connection.execute("UPDATE session SET last_seen_at = now()").rowcount == 0
    assert bars_the_row(connection, made.format("b", "desk", 1))
    assert bars_the_row(connection, made.format("c", "portal", 1))
    assert not bars_the_row(connection, made.format("d", "portal", "NULL"))


@pytest.mark.req("V16.4.2", "T35")
def test_the_portal_does_not_write_in_the_name_of_staff(connection: roles.Connection) -> None:
    connection.execute(b"SET ROLE amends_portal")
    entry = (
        "INSERT INTO timeline (case_id, seq, action, actor_kind, actor_id, actor_name, from_status,"
        " to_status, reason, data, commitment, at, prev_hash, hash)"
        " VALUES (1, 1, 'approve', '{}', 'x', 'x', '', '', '', '{{}}', '', now(), '', '')"
    )
    assert bars_the_row(connection, entry.format("staff"))
    assert not bars_the_row(connection, entry.format("customer"))


def test_granting_again_changes_nothing(connection: roles.Connection) -> None:
    before = acls(connection)
    assert roles.apply(connection).todo == ""
    assert acls(connection) == before


def acls(connection: roles.Connection) -> dict[str, list[str]]:
    found = connection.execute(
        "SELECT c.relname, array(SELECT a::text FROM unnest(c.relacl) a ORDER BY 1) FROM pg_class c"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relacl IS NOT NULL"
    )
    return {str(name): list(acl) for name, acl in found}  # type: ignore[call-overload]


async def test_without_the_right_to_create_roles_it_says_what_to_do(
    postgres: embedded.Server, template: str
) -> None:
    """An operator's server: the owner of the database is nobody special."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
        admin.execute("CREATE ROLE plain LOGIN")
        admin.execute("CREATE DATABASE plain OWNER plain")
    try:
        url = postgres.url("plain").replace("postgres@", "plain@")
        assert await migrate.run(url) == "", "the roles are there, so their owner may grant"
        with psycopg.connect(url) as mine:
            standing = roles.standing(mine)
            assert (standing.process, standing.writes_ledger) == (None, True)
        with psycopg.connect(url, autocommit=True) as mine, pytest.MonkeyPatch.context() as patch:
            patch.setattr(roles, "_missing", lambda _: ["amends_portal"])
            todo = roles.apply(mine).todo
            assert "CREATE ROLE amends_portal;" in todo
            assert "amends migrate" in todo
    finally:
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
            admin.execute("DROP DATABASE plain WITH (FORCE)")
            admin.execute("DROP ROLE plain")


@pytest.mark.req("V13.2.1", "V13.2.2")
def test_a_process_user_knows_whose_rights_it_has(
    anyio_backend: str, postgres: embedded.Server, shared_database_url: str
) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
        roles.make_logins(admin)
    url = shared_database_url.replace("postgres@", f"{Process.PORTAL.login}@")
    with psycopg.connect(url) as portal:
        standing = roles.standing(portal)
    assert standing == roles.Standing(Process.PORTAL, writes_ledger=False, roles_exist=True)


@pytest.mark.req("V8.1.1")
def test_the_page_of_rights_is_what_is_granted() -> None:
    assert _PAGE.read_text() == rights.markdown(), "run: python -m amends.rights > docs/RIGHTS.md"
