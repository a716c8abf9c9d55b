"""The page the demo prints: where to click, as whom, and what to try."""

import json

from amends.commands.demo_plan import COMPANY, Plan

_RULE = "─" * 78


def text(plan: Plan, seconds: float) -> str:
    desk = plan.url("backoffice")
    customers = json.loads(plan.people.read_text(encoding="utf-8"))
    lines = [
        _RULE,
        f"  {COMPANY} is open, after {seconds:.0f} seconds.",
        "",
        f"  Customers   {plan.url('portal')}",
        f"  Back office {desk}",
        f"  Mailbox     {plan.url('sandbox')}/mailbox   (sign-in codes arrive here)",
        f"  Outside     {plan.url('sandbox')}/   (move the clock, break things, all people)",
        "",
        "  Begin as Priya Raman: sign in to the portal with billing@harborfitness.example,",
        "  take the code from the mailbox, and ask to move the payment of order SO-10482 to a",
        "  new card. Then check it in the back office as Sam Ito, and approve it as Dana Cole.",
        "",
        "  What else there is to try, by the address to sign in with:",
        *(line for customer in customers[1:] for line in _customer(customer)),
        "",
        f"  Logs: {plan.folder / 'logs'}    Ctrl-C stops everything.",
        _RULE,
    ]
    return "\n".join(lines)


def _customer(customer: dict[str, str]) -> tuple[str, str]:
    return (
        f"  · {customer['email']} ({customer['name']}, {customer['organisation']})",
        f"      {customer['what_to_try']}",
    )
