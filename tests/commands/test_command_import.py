"""`amends import`: what an operator sees."""

from pathlib import Path

import psycopg

from tests.commands import order_files
from tests.commands.conftest import Run
from tests.commands.order_files import HARBOR, LAKESIDE


def count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])


def test_it_imports_what_the_template_shows(run: Run, own_database: str, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(run("import", "template").output)
    done = run("import", "orders", str(file))
    assert done.exit_code == 0, done.output
    assert "orders: 1 (1 new, 0 changed, 0 as before, 0 removed)" in done.output
    assert count(own_database, "deposit") == 2


def test_it_names_each_bad_cell_and_imports_nothing(
    run: Run, own_database: str, tmp_path: Path
) -> None:
    bad = {**LAKESIDE, "total": "499.999", "billing_email": "accounts"}
    done = run("import", "orders", str(order_files.write(tmp_path / "o.csv", HARBOR, bad)))
    assert done.exit_code == 1
    assert "Nothing was imported. 2 things to correct in o.csv:" in done.output
    assert "line 3, column billing_email: Enter one email address" in done.output
    assert "line 3, column total: Enter at most 2 digits after the point" in done.output
    assert count(own_database, "order_") == 0


def test_it_names_rows_that_contradict_the_database(
    run: Run, own_database: str, tmp_path: Path
) -> None:
    run("import", "orders", str(order_files.write(tmp_path / "o.csv", HARBOR)))
    stolen = {**LAKESIDE, "deposit_1_charge": HARBOR["deposit_1_charge"]}
    done = run("import", "orders", str(order_files.write(tmp_path / "o.csv", stolen)))
    assert done.exit_code == 1
    assert "line 2, column deposit_1_charge: ch_T8harbor0001 is a deposit of" in done.output
    assert count(own_database, "order_") == 1


def test_it_only_looks_on_a_dry_run(run: Run, own_database: str, tmp_path: Path) -> None:
    file = order_files.write(tmp_path / "o.csv", HARBOR)
    done = run("import", "orders", "--dry-run", str(file))
    assert done.exit_code == 0
    assert "Nothing was written; this would happen:" in done.output
    assert count(own_database, "order_") == 0


def test_it_says_which_line_is_not_utf_8(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "o.csv"
    file.write_bytes(order_files.text(HARBOR).encode() + "hf-1,Siłownia".encode("cp1250"))
    done = run("import", "orders", str(file))
    assert done.exit_code == 1
    assert "line 3: It is not UTF-8 text. Save the file as CSV UTF-8." in done.output


def test_it_says_to_migrate_first(run: Run, own_database: str, tmp_path: Path) -> None:
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    file = order_files.write(tmp_path / "o.csv", HARBOR)
    done = run("import", "orders", str(file))
    assert done.exit_code == 1
    assert "Run `amends migrate`" in done.output
    assert run("migrate").exit_code == 0
    assert run("import", "orders", str(file)).exit_code == 0
