"""Which case a mail belongs to, and whether its sender may speak there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tortoise import connections

from amends import reply_address
from amends.gateways.inbox_mail import Mail, Origin
from amends.gateways.inbox_sender import Dmarc
from amends.models import Account, Case, MailItem, Order
from amends.rules.people import Customer
from amends.rules.workflow import Status

_NAMED: Final = re.compile(r"(?<![A-Za-z0-9-])RB-[0-9]{1,12}(?![0-9])", re.IGNORECASE)
_MOST_ORDERS: Final = 500


class Proof(StrEnum):
    """How the mail shows that it belongs to the case."""

    SIGNED = "signed"  # it went to the case's reply address
    THREAD = "thread"  # it answers a mail of the case
    NAMED = "named"  # its proven sender names an own case in the subject


@dataclass(frozen=True)
class Placed:
    """A case and what ties the mail to it."""

    case: Case
    account: Account
    proof: Proof
    is_party: bool  # From is the case's contact or the account's billing address

    def is_verified(self, mail: Mail) -> bool:
        """Whether the mail counts as the customer's own word."""
        proven = self.proof is Proof.SIGNED and mail.dmarc is Dmarc.PASS
        return proven and self.is_party and mail.origin is Origin.PERSON

    @property
    def customer(self) -> Customer:
        name = self.case.contact_name or self.account.contact_name
        return Customer(
            self.account.id, self.account.billing_email, name, self.account.organisation
        )


async def case_of(mail: Mail) -> Placed | None:
    """The case of the mail: one where the sender belongs to, or else the first it is tied to."""
    found = [
        *[_placed(mail, case, Proof.SIGNED) for case in await _signed(mail.recipients)],
        *[_placed(mail, case, Proof.THREAD) for case in await _answered(mail.answers)],
        *[_placed(mail, case, Proof.NAMED) for case in await _named(mail)],
    ]
    own = next((each for each in found if each.is_party), None)
    return own or next((each for each in found if each.proof is not Proof.NAMED), None)


def _placed(mail: Mail, case: Case, proof: Proof) -> Placed:
    parties = {case.contact_email.lower(), case.account.billing_email}
    return Placed(case, case.account, proof, bool(mail.sender) and mail.sender in parties)


async def _signed(recipients: Iterable[str]) -> list[Case]:
    refs = [ref for ref in map(reply_address.reference, recipients) if ref]
    cases = [await _by_ref(ref) for ref in dict.fromkeys(refs)]
    return [case for case in cases if case is not None]


async def _by_ref(ref: str) -> Case | None:
    case = await Case.filter(ref=ref).select_related("account").first()
    if case is None and ref.startswith("D-"):
        # A draft that was sent meanwhile has another reference now.
        rows = await connections.get("default").execute_query_dict(
            "SELECT id FROM case_ WHERE answers->>'draft' = $1 LIMIT 1", [ref]
        )
        if rows:
            case = await Case.filter(id=rows[0]["id"]).select_related("account").first()
    return case if case is not None and _is_there(case) else None


async def _answered(mail_ids: tuple[str, ...]) -> list[Case]:
    """The cases of our mails that it answers, the nearest mail first."""
    rows = await MailItem.filter(message_id__in=mail_ids, case_id__not_isnull=True).values_list(
        "message_id", "case_id"
    )
    by_mail = {str(mail_id): int(str(case_id)) for mail_id, case_id in rows}
    ids = dict.fromkeys(by_mail[each] for each in reversed(mail_ids) if each in by_mail)
    cases = {c.id: c for c in await Case.filter(id__in=list(ids)).select_related("account")}
    return [cases[each] for each in ids if _is_there(cases[each])]


async def _named(mail: Mail) -> list[Case]:
    """Only for a sender whose address is proven; a number alone ties nobody to a case."""
    refs = {ref.upper() for ref in _NAMED.findall(mail.subject)}
    if mail.dmarc is not Dmarc.PASS or not refs:
        return []
    return await Case.filter(ref__in=list(refs), account__billing_email=mail.sender).select_related(
        "account"
    )


def _is_there(case: Case) -> bool:
    """A draft that was deleted takes no mail any more."""
    return case.submitted_at is not None or case.status is Status.DRAFT


async def account_of(mail: Mail) -> Account | None:
    """The account whose registered address the mail claims to come from.

    Of several with one address, the one whose order the mail names; else the one that a sign-in
    with this address opens.
    """
    if not mail.sender:
        return None
    accounts = await Account.filter(billing_email=mail.sender).order_by("id")
    if len(accounts) < 2:
        return accounts[0] if accounts else None
    text = f"{mail.subject}\n{mail.own}".upper()
    orders = (
        await Order.filter(account_id__in=[account.id for account in accounts])
        .order_by("-id")
        .limit(_MOST_ORDERS)
    )
    named = {order.account_id for order in orders if order.number.upper() in text}
    return next((account for account in accounts if account.id in named), accounts[0])


async def is_our_own(mail: Mail) -> bool:
    """A mail of ours that came back: a forwarding rule, or a list that we are on."""
    if reply_address.is_ours(mail.sender):
        return True
    return await MailItem.filter(message_id=mail.message_id).exists()
