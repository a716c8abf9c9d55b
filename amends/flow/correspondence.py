"""What a mail that comes in becomes. By itself it never moves money, a card or a subscription."""

from enum import StrEnum

import structlog

from amends.flow import (
    correspondence_confirm,
    correspondence_join,
    correspondence_machine,
    correspondence_new,
)
from amends.flow import correspondence_match as matching
from amends.flow import correspondence_once as taking
from amends.flow.correspondence_match import Placed
from amends.gateways.inbox_mail import Mail, Origin
from amends.gateways.inbox_sender import Dmarc

log = structlog.get_logger(__name__)


class Became(StrEnum):
    """What is left of the mail, for the log and for tests."""

    MESSAGE = "message"  # the customer's own word on a case
    UNVERIFIED = "unverified"  # on a case, for staff to look at
    NEW = "new"  # a draft to confirm, or an entry of the exceptions desk
    STRANGER = "stranger"  # to a reply address, from somebody else
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"
    REPEAT = "repeat"


async def take(mail: Mail) -> Became:
    """Store the mail and what follows from it, in one transaction, files first.

    Raises TooMany and Unavailable when it has to be sent again later; nothing is stored then.
    """
    await taking.slow_down(mail)
    if await taking.was_taken(mail):
        return Became.REPEAT
    try:
        became = await _take(mail)
    except taking.Already:
        became = Became.REPEAT
    log.info("mail taken", became=became, dmarc=mail.dmarc, origin=mail.origin)
    return became


async def _take(mail: Mail) -> Became:
    if mail.bounce is not None:
        await correspondence_machine.bounce(mail, mail.bounce)
        return Became.BOUNCE
    if await matching.is_our_own(mail):
        await correspondence_machine.record(mail, None)
        return Became.AUTOMATIC
    placed = await matching.case_of(mail)
    if mail.origin is Origin.MACHINE:
        await correspondence_machine.record(mail, placed)
        return Became.AUTOMATIC
    return await _join(mail, placed) if placed is not None else await _begin(mail)


async def _join(mail: Mail, placed: Placed) -> Became:
    if not placed.is_party:
        await correspondence_new.stranger(mail, placed)
        return Became.STRANGER
    if placed.is_verified(mail):
        await correspondence_join.verified(mail, placed)
        return Became.MESSAGE
    await correspondence_join.unverified(mail, placed)
    await correspondence_confirm.ask_its_customer(placed.case)
    return Became.UNVERIFIED


async def _begin(mail: Mail) -> Became:
    account = await matching.account_of(mail)
    if account is None or mail.dmarc is Dmarc.FAIL:
        await correspondence_new.unknown(mail, account)
    else:
        await correspondence_new.draft_or_desk(mail, account)
    return Became.NEW
