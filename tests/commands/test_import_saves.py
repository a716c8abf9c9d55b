"""An import is written whole or not at all, and writing it again changes only what changed."""

from datetime import timedelta
from typing import Any

import pytest

from amends import accounts, clock, order_file
from amends.models import Account, Case, Deposit, Order
from amends.rules.workflow import Kind, Status
from tests.commands import order_files
from tests.commands.order_files import HARBOR, LAKESIDE


async def save(*rows: dict[str, str]) -> accounts.Saved:
    return await accounts.save(_read(*rows), lambda done: None)


def _read(*rows: dict[str, str]) -> Any:
    found = order_file.read(order_files.lines(*rows))
    assert found.problems == ()
    return found.orders


async def _case(**columns: Any) -> Case:
    """A case of Harbor's that names its first deposit."""
    order = await Order.get(number="SO-10482")
    deposit = await Deposit.get(order_id=order.id, position=1)
    now = clock.now()
    return await Case.create(
        ref="RB-1", account_id=order.account_id, order_id=order.id, kind=Kind.REBILL,
        status=Status.SUBMITTED, contact_email=HARBOR["billing_email"], created_at=now,
        submitted_at=now, deposit_ids=[deposit.id], **columns,
    )  # fmt: skip


async def test_it_writes_customers_orders_and_deposits(db: None) -> None:
    saved = await save(HARBOR, LAKESIDE)
    assert (saved.accounts.new, saved.orders.new, saved.deposits.new) == (2, 2, 3)
    order = await Order.get(number="SO-10482").prefetch_related("account", "deposits")
    assert order.account.tenant_id == "hf-0213"
    assert order.renewal_months == 12
    assert sorted(d.amount_minor for d in order.deposits) == [800_00, 1_200_00]


async def test_it_writes_nothing_the_second_time(db: None) -> None:
    await save(HARBOR, LAKESIDE)
    saved = await save(HARBOR, LAKESIDE)
    assert (saved.accounts.same, saved.orders.same, saved.deposits.same) == (2, 2, 3)
    assert (saved.accounts.changed, saved.orders.changed, saved.deposits.changed) == (0, 0, 0)


async def test_it_updates_what_changed(db: None) -> None:
    await save(HARBOR, LAKESIDE)
    saved = await save({**HARBOR, "delivered_on": "2026-10-20", "deposit_2_brand": "Visa debit"})
    assert (saved.orders.changed, saved.deposits.changed, saved.accounts.same) == (1, 1, 1)
    order = await Order.get(number="SO-10482")
    assert str(order.delivered_on) == "2026-10-20"
    assert (await Deposit.get(charge_id=HARBOR["deposit_2_charge"])).card_brand == "visa debit"


async def test_it_lets_deposits_change_places(db: None) -> None:
    await save(HARBOR)
    parts = ("charge", "amount", "date", "intent", "brand", "last4", "fingerprint")
    first = {f"deposit_1_{part}": HARBOR.get(f"deposit_2_{part}", "") for part in parts}
    second = {f"deposit_2_{part}": HARBOR.get(f"deposit_1_{part}", "") for part in parts}
    await save({**HARBOR, **first, **second})
    rows = await Deposit.all().order_by("position").values_list("position", "charge_id")
    assert rows == [(1, HARBOR["deposit_2_charge"]), (2, HARBOR["deposit_1_charge"])]


async def test_it_moves_a_deposit_to_the_order_it_belongs_to(db: None) -> None:
    await save(HARBOR, LAKESIDE)
    without = {**LAKESIDE, **{name: "" for name in LAKESIDE if name.startswith("deposit_")}}
    moved = {f"deposit_3_{part}": LAKESIDE[f"deposit_1_{part}"] for part in ("charge", "amount")}
    saved = await save({**HARBOR, **moved, "deposit_3_date": "2026-08-03"}, without)
    assert saved.deposits.removed == 1
    deposit = await Deposit.get(charge_id="ch_lakeside1").prefetch_related("order")
    assert deposit.order.number == "SO-10482"


async def test_it_refuses_a_deposit_of_an_order_that_is_not_in_the_file(db: None) -> None:
    await save(HARBOR)
    with pytest.raises(accounts.NotSaved) as refused:
        await save({**LAKESIDE, "deposit_1_charge": HARBOR["deposit_1_charge"]})
    assert "line 2, column deposit_1_charge" in str(refused.value)
    assert "order SO-10482" in str(refused.value)


async def test_it_keeps_a_deposit_that_a_case_is_about(db: None) -> None:
    await save(HARBOR)
    await _case()
    without = {**HARBOR, **{name: "" for name in HARBOR if name.startswith("deposit_1_")}}
    with pytest.raises(accounts.NotSaved, match="line 2, column deposit_1_charge"):
        await save(without)


async def test_it_keeps_an_order_with_the_customer_who_wrote_about_it(db: None) -> None:
    await save(HARBOR, LAKESIDE)
    await _case()
    whose = ("tenant_id", "organisation", "contact_name", "billing_email", "stripe_customer_id")
    with pytest.raises(accounts.NotSaved, match="line 2, column tenant_id"):
        await save({**HARBOR, **{name: LAKESIDE[name] for name in whose}})


async def test_it_holds_new_cards_after_the_billing_address_changed(db: None) -> None:
    await save(HARBOR, LAKESIDE)
    saved = await save({**HARBOR, "billing_email": "new@harborfitness.example"}, LAKESIDE)
    assert saved.new_addresses == ["hf-0213"]
    harbor = await Account.get(tenant_id="hf-0213")
    assert harbor.rebill_hold_until is not None
    assert harbor.rebill_hold_until - clock.now() > timedelta(days=6)
    await save({**HARBOR, "billing_email": "new@harborfitness.example", "contact_name": "P. R."})
    kept = await Account.get(tenant_id="hf-0213")
    assert kept.rebill_hold_until == harbor.rebill_hold_until
    assert (await Account.get(tenant_id="lg-0417")).rebill_hold_until is None


async def test_it_writes_nothing_when_one_row_contradicts_the_database(fresh_db: str) -> None:
    await save(HARBOR)
    rows = [{**LAKESIDE, "order_number": f"SO-{n}", "deposit_1_charge": ""} for n in range(600)]
    bare = [{name: "" if "deposit" in name else row[name] for name in row} for row in rows]
    stolen = {**LAKESIDE, "deposit_1_charge": HARBOR["deposit_1_charge"]}
    with pytest.raises(accounts.NotSaved):
        await save(*bare, stolen)
    assert await Order.all().count() == 1
    assert await Account.all().count() == 1


async def test_it_rehearses_without_writing(fresh_db: str) -> None:
    saved = await accounts.rehearse(_read(HARBOR), lambda done: None)
    assert saved.orders.new == 1
    assert await Order.all().count() == 0
