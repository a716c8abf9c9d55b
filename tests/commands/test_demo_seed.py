"""The demo's shop: the days that are named, on any day, and requests in all states."""

import subprocess
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from amends import audit, order_file
from amends.commands.demo_plan import Plan
from amends.rules import money
from sandbox.seed import card_numbers, order_list, past, shop
from sandbox.stripe_twin import cards
from sandbox.stripe_twin.world import World

NAMED_DAY = date(2026, 11, 23)


def read(today: date, path: Path) -> order_file.OrderFile:
    """The order list as it is written on that day."""
    opened = shop.load(today)
    world = World(now=opened.moment(0).timestamp)
    order_list.write(path, opened, past.build(opened, world))
    with path.open(encoding="utf-8", newline="") as lines:
        return order_file.read(lines)


def test_it_names_the_days_of_harbors_order(tmp_path: Path) -> None:
    found = read(NAMED_DAY, tmp_path / "orders.csv")
    harbor = next(order for order in found.orders if order.number == "SO-10482")
    assert harbor.account.organisation == "Harbor Fitness LLC"
    assert harbor.handed_over_on == date(2026, 10, 16)
    assert [
        (d.charged_on, d.card_brand, d.card_last4, d.amount_minor) for d in harbor.deposits
    ] == [
        (date(2026, 9, 3), "amex", "1005", 1_200_00),
        (date(2026, 9, 17), "visa", "4242", 800_00),
    ]


@pytest.mark.parametrize("days", [0, 98, 463, 800])
def test_it_is_right_on_any_day(days: int, tmp_path: Path) -> None:
    today = NAMED_DAY + timedelta(days=days)
    found = read(today, tmp_path / "orders.csv")
    assert found.problems == ()
    assert len(found.orders) == 40
    for order in found.orders:
        assert order.placed_on < today
        if order.subscription_id and order.subscription_status == "active":
            assert order.subscription_ends_on is not None
            assert today < order.subscription_ends_on <= today + timedelta(days=366)


def test_it_pays_every_order_to_the_cent() -> None:
    """Except for the one that is paid by half, and the charge that came twice."""
    for customer in shop.load(NAMED_DAY).customers:
        for order in customer.orders:
            paid = [p for p in order.payments if not p.unlisted]
            total = sum(money.parse(p.amount, customer.currency).minor for p in paid)
            due = money.parse(order.total, customer.currency).minor
            assert total == (due // 2 if order.number == "SO-10497" else due), order.number


def test_it_gives_no_two_customers_the_same_card() -> None:
    made = [
        card_numbers.number(card.brand, card.last4, owner)
        for owner, customer in enumerate(shop.load(NAMED_DAY).customers, 1)
        for card in customer.cards.values()
        if not card.test
    ]
    assert len(set(made)) == len(made)
    assert all(cards.passes_luhn(number) for number in made)


@pytest.mark.slow
def test_it_plays_requests_in_all_states(own_database: str, tmp_path: Path) -> None:
    plan = Plan(tmp_path, 8700)
    subprocess.run(plan.command("seed"), env=plan.environment("seed", own_database), check=True)
    with psycopg.connect(own_database) as connection:
        found = {row[0] for row in connection.execute("SELECT status FROM case_")}
        unsent = connection.execute("SELECT count(*) FROM mail WHERE state <> 'sent'").fetchone()
        late = connection.execute("SELECT count(*) FROM timeline WHERE at > now()").fetchone()
    assert found == {
        "resolved",
        "auditing",
        "declined",
        "locked_chargeback",
        "locked_fraud",
        "triage",
        "needs_new_card",
        "needs_customer",
        "needs_authentication",
        "draft",
        "proposed",
        "refunding",
        "submitted",
    }
    assert unsent == late == (0,)
    assert audit.verify(own_database).broken == ()
