"""What two people decide together: one proposes, another agrees, with a fresh sign-in."""

from datetime import timedelta

from amends import clock, facts
from amends.rules.people import Staff
from amends.rules.policy import Policy

AGREED, REFUSED = "agreed", "refused"


def must_be_another(by: Staff, proposed_by_id: int) -> None:
    if by.person_id == proposed_by_id:
        raise facts.Refused("You proposed this, so someone else has to agree to it.")


def is_fresh(by: Staff, rules: Policy) -> bool:
    oldest = clock.now() - timedelta(seconds=rules.step_up_seconds)
    return by.auth_time is not None and by.auth_time >= oldest


def must_be_fresh(by: Staff, rules: Policy) -> None:
    """Step-up is a rule of the domain: the page alone could be gone around."""
    if not is_fresh(by, rules):
        raise facts.Refused("Sign in again: this decision needs a fresh sign-in.")
