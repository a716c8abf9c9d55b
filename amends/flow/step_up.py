"""A fresh sign-in for what cannot be undone; the page alone could be gone around."""

from datetime import timedelta

from amends import clock, facts, policies
from amends.rules.people import Staff


async def must_be_fresh(by: Staff) -> None:
    rules = await policies.current()
    oldest = clock.now() - timedelta(seconds=rules.step_up_seconds)
    if by.auth_time is None or by.auth_time < oldest:
        raise facts.Refused("Sign in again: this needs a fresh sign-in.")
