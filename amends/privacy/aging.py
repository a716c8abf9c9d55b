"""Cases that closed long ago lose their person, by the same steps as an erasure on demand.

The account stays, and so do its other cases. Like every erasure it comes as the owner of the
tables: `amends privacy old`, from a timer. The worker, which has no right to it, only tells when
that was forgotten.
"""

from amends import clock, exceptions_desk, facts, retention
from amends.models import Case
from amends.privacy import erase
from amends.privacy.erase import ERASED, Done, Wish
from amends.privacy.subject import Subject
from amends.rules import workflow

BATCH = 500


async def due() -> list[Case]:
    """Cases whose words are no longer needed, the oldest first; those erased already are not."""
    ended = Case.filter(
        status__in=list(workflow.FINAL), closed_at__lt=clock.now() - retention.CASES
    )
    left = ended.exclude(contact_email=ERASED).select_related("account")
    return await left.order_by("closed_at").limit(BATCH)


async def forget(by: str) -> tuple[list[Done], list[str]]:
    """Each case by itself: what stands in the way of one stops no other."""
    done, refused = [], []
    wish = Wish(by, f"Kept for {retention.CASES.days} days after it closed.")
    for case in await due():
        try:
            done.append(await erase.erase(of(case), wish))
        except facts.Refused as fact:
            refused.append(f"{case.ref}: {fact}")
    return done, refused


def of(case: Case) -> Subject:
    """The case without its account, and the names by which free words may call its customer."""
    account = case.account
    names = (case.contact_email, account.billing_email, account.organisation, account.contact_name)
    return Subject(f"case {case.ref}", (), (case,), called=names)


async def remind() -> None:
    """Tell a person when nobody runs the command."""
    late = clock.now() - retention.CASES - retention.CASES_PATIENCE
    forgotten = Case.filter(status__in=list(workflow.FINAL), closed_at__lt=late)
    if await forgotten.exclude(contact_email=ERASED).exists():
        await exceptions_desk.tell(
            "old_cases",
            "old_cases",
            "Cases are older than they may become. Run `amends privacy old --yes` with the "
            "database user of `amends migrate`, and put it on a timer.",
        )
    else:
        await exceptions_desk.settle("old_cases", "old_cases", "No case is too old.")
