"""Harbor Fitness LLC with one account, its open case, and settings of a company that takes mail."""

from pathlib import Path

import pytest

from amends import clock, settings
from amends.models import Account, Case
from amends.rules.workflow import Kind, Status
from tests.inbox import letters
from tests.roles import under


@pytest.fixture(autouse=True)
def own_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker and the inbox act with the database rights of their processes."""
    under.acting(monkeypatch)


@pytest.fixture(autouse=True)
def company(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> settings.Settings:
    made = settings.Settings(
        mail_from=letters.SENDER,
        support_email=letters.SUPPORT,
        mail_authserv_id=letters.GATEWAY,
        files_url=(tmp_path / "files").as_uri(),
        portal_url="https://billing.northwind.example",
    )
    monkeypatch.setattr(settings, "load", lambda: made)
    return made


@pytest.fixture
async def harbor(db: None) -> Account:
    return await account()


async def account(email: str = letters.PRIYA, tenant: str = "hf-0213") -> Account:
    return await Account.create(
        tenant_id=tenant,
        organisation="Harbor Fitness LLC",
        contact_name="Priya Raman",
        billing_email=email,
        created_at=clock.now(),
    )


async def case_of(owner: Account, status: Status = Status.TRIAGE, ref: str = "RB-2417") -> Case:
    return await Case.create(
        ref=ref,
        account_id=owner.id,
        kind=Kind.REBILL,
        status=status,
        contact_name="Priya Raman",
        contact_email=owner.billing_email,
        created_at=clock.now(),
        submitted_at=clock.now(),
    )
