"""What is held on a person, in one zip that a person can read."""

import inspect
import io
import json
import zipfile

import pytest

from amends import models
from amends.models import TimelineEntry
from amends.privacy import export, subject
from amends.rules.people import Staff
from tests.privacy import scene
from tests.shop import Shop

pytestmark = pytest.mark.req("V14.1.2", "T63")


async def test_it_holds_everything_and_nothing_that_lets_others_in(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    filed = await scene.closed(shop, sam, dana)
    made = zipfile.ZipFile(io.BytesIO(await export.archive(await subject.find(filed.address))))
    held = json.loads(made.read("data.json"))
    assert held["cases"][0]["story"] == scene.STORY
    assert scene.PHONE in held["messages"][0]["body"]
    assert held["sign_ins"][0]["address"] == "192.0.2.7"
    assert {"refund", "recharge"} <= {row["effect"] for row in held["ledger"]}
    entries = await TimelineEntry.filter(case_id=filed.case.id).count()
    assert len(held["history"]) == entries
    text = made.read("data.json").decode()
    assert not any(f'"{name}"' in text for name in export._SECRET)
    names = made.namelist()
    assert any(n.startswith(f"files/{filed.case.ref}/") and "statement" in n for n in names)
    assert any(n.startswith(f"documents/{filed.case.ref}/") and n.endswith(".pdf") for n in names)
    assert all(".." not in name and not name.startswith("/") for name in names)
    assert "What Amends holds under" in made.read("README.txt").decode()


async def test_it_holds_nothing_of_others(shop: Shop, sam: Staff, dana: Staff) -> None:
    filed, other = await scene.closed(shop, sam, dana), await scene.closed(shop, sam, dana)
    held = json.dumps(await export.everything(await subject.find(filed.address)))
    assert filed.case.ref in held
    assert other.case.ref not in held and other.address not in held


# Tables about a case or an account that are not handed out, and why.
WITHOUT = {
    "case_": "found with the subject itself",
    "charge_claim": "which case holds a charge; the charge is handed out with the movement",
    "approval": "the staff's decisions; when and what is in the history",
    "exception_item": "what operators look at; it repeats the history",
    "erasure": "the record of an erasure names nobody",
}


@pytest.mark.req("V14.1.1")
def test_every_table_about_a_case_or_an_account_is_handed_out_or_named_here() -> None:
    every = [getattr(models, name) for name in models.__all__]
    about = {
        model._meta.db_table
        for model in every
        if {"case_id", "account_id"} & set(model._meta.fields_db_projection)
    }
    source = inspect.getsource(export)
    handed = {m._meta.db_table for m in every if f"{m.__name__}.filter(" in source}
    assert about - handed - set(WITHOUT) == set(), "add it to the export, and to the erasure"
