"""An order file is read whole, and every cell that cannot be taken is named."""

import io
from datetime import date

import pytest

from amends import order_file
from tests.commands import order_files
from tests.commands.order_files import HARBOR, LAKESIDE


def problems(*rows: dict[str, str]) -> list[str]:
    return [str(problem) for problem in order_file.read(order_files.lines(*rows)).problems]


def test_it_reads_an_order_paid_with_two_cards() -> None:
    found = order_file.read(order_files.lines(HARBOR))
    assert found.problems == ()
    (order,) = found.orders
    assert (order.number, order.total_minor, order.currency) == ("SO-10482", 2_000_00, "usd")
    assert order.handed_over_on == date(2026, 10, 16)
    assert order.delivered_on is None
    assert [(d.card_last4, d.amount_minor) for d in order.deposits] == [
        ("1005", 1_200_00),
        ("4242", 800_00),
    ]


def test_it_reads_what_a_spreadsheet_saves() -> None:
    """A byte order mark is the caller's; blank lines, blanks and capitals are ours."""
    shouted = order_files.text({**HARBOR, "billing_email": " Billing@HarborFitness.example "})
    found = order_file.read(io.StringIO(shouted.replace("\n", "\r\n") + "\r\n,,\r\n", newline=""))
    assert found.problems == ()
    assert found.orders[0].account.billing_email == "billing@harborfitness.example"


def test_it_keeps_names_of_all_scripts() -> None:
    polish = {**HARBOR, "organisation": "Siłownia Żubr sp. z o.o.", "contact_name": "渡辺 結衣"}
    (order,) = order_file.read(order_files.lines(polish)).orders
    assert order.account.organisation == "Siłownia Żubr sp. z o.o."
    assert order.account.contact_name == "渡辺 結衣"


def test_it_counts_yen_in_whole_units() -> None:
    yen = {**LAKESIDE, "currency": "JPY", "total": "148,000", "deposit_1_amount": "148000"}
    (order,) = order_file.read(order_files.lines(yen)).orders
    assert (order.total_minor, order.deposits[0].amount_minor) == (148_000, 148_000)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("tenant_id", "", "It is empty. Every order needs it."),
        ("organisation", "H" * 201, "It has 201 characters. Shorten it to 200."),
        ("organisation", "Harbor\x07", "It holds an invisible control character. Type it again."),
        ("billing_email", "billing at harbor", "Enter one email address"),
        ("stripe_customer_id", "ch_123", "Enter the id as Stripe shows it, like cus_…."),
        ("total", "2.000,00", "Enter an amount like 1,200.00."),
        ("total", "2000.001", "Enter at most 2 digits after the point, like 1,200.00."),
        ("currency", "dollars", "Enter a currency's three letters, like usd."),
        ("placed_on", "09/03/2026", "Write the date as year-month-day, like 2026-09-03."),
        ("placed_on", "2026-02-30", "Write the date as year-month-day, like 2026-09-03."),
        ("handed_over_on", "2026-08-01", "It is before placed_on (2026-09-03)."),
        ("subscription_status", "running", "Enter one of: pending, trialing, active"),
        ("renewal_months", "a year", "Enter a whole number of months from 1 to 120."),
        ("deposit_2_charge", "", "It is empty. Every order needs it."),
        ("deposit_2_amount", "-800", "Enter the amount without a minus sign"),
        ("deposit_2_last4", "242", "Enter exactly the last four digits"),
    ],
)
def test_it_names_line_and_column_and_what_to_do(column: str, value: str, words: str) -> None:
    found = problems(LAKESIDE, {**HARBOR, column: value})
    assert any(line.startswith(f"line 3, column {column}: {words}") for line in found), found


@pytest.mark.req("T53")
@pytest.mark.parametrize("column", ["deposit_1_last4", "description", "billing_email", "total"])
def test_it_never_repeats_a_card_number(column: str) -> None:
    found = problems({**HARBOR, column: "4242 4242 4242 4242"})
    assert found[0].startswith(f"line 2, column {column}: ")
    assert "4242" not in found[0]


def test_it_finds_every_problem_at_once() -> None:
    found = problems({**HARBOR, "total": "x", "placed_on": "y"}, {**LAKESIDE, "currency": "zz"})
    assert [line.split(":")[0] for line in found] == [
        "line 2, column total",
        "line 2, column placed_on",
        "line 3, column currency",
    ]


def test_it_refuses_an_order_that_is_there_twice() -> None:
    found = problems(LAKESIDE, {**LAKESIDE, "deposit_1_charge": "ch_other"})
    assert found == [
        "line 3, column order_number: SO-10500 is on line 2 already. Keep one of them."
    ]


def test_it_refuses_a_charge_that_pays_two_orders() -> None:
    found = problems(LAKESIDE, {**HARBOR, "deposit_2_charge": "ch_lakeside1"})
    assert found == [
        "line 3, column deposit_2_charge: ch_lakeside1 is on line 2 already. Keep one of them."
    ]


def test_it_refuses_lines_that_disagree_about_a_customer() -> None:
    other = {**LAKESIDE, "tenant_id": HARBOR["tenant_id"], "organisation": "Harbor Fitness"}
    found = problems(HARBOR, {**other, "billing_email": HARBOR["billing_email"]})
    assert "line 3, column organisation: Line 2 has another organisation" in found[0]


def test_it_names_the_first_line_of_a_cell_that_goes_over_several() -> None:
    long = {**LAKESIDE, "description": "Body scanner\nwith a stand"}
    assert problems(long, {**HARBOR, "total": "x"})[0].startswith("line 4, column total")


def test_it_names_columns_that_are_missing_or_unknown() -> None:
    header = ",".join(order_file.COLUMNS).replace("billing_email", "billing_mail")
    found = order_file.read(io.StringIO(header + "\n", newline="")).problems
    assert {(p.line, p.column) for p in found} == {(1, "billing_email"), (1, "billing_mail")}


def test_it_says_when_columns_are_divided_by_semicolons() -> None:
    header = ";".join(order_file.COLUMNS)
    (found,) = order_file.read(io.StringIO(header, newline="")).problems
    assert "semicolons" in found.what


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ('hf-0213,"Harbor', "line 3: It cannot be read"),
        ("hf-0213,Harbor", "line 3, column organisation: The line has 2 cells"),
    ],
)
def test_it_names_a_line_that_is_no_row(broken: str, words: str) -> None:
    file = order_files.text(LAKESIDE) + broken
    found = order_file.read(io.StringIO(file, newline="")).problems
    assert str(found[0]).startswith(words)


def test_it_takes_files_with_fewer_columns() -> None:
    """Only what every order has is demanded; the rest may be left out of the file."""
    names = ("tenant_id", "organisation", "billing_email", "order_number", "description")
    needed = (*names, "total", "currency", "placed_on")
    file = ",".join(needed) + "\n" + ",".join(LAKESIDE[name] for name in needed)
    found = order_file.read(io.StringIO(file, newline=""))
    assert found.problems == ()
    assert found.orders[0].deposits == ()
