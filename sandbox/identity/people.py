"""The staff of the sandbox's company, each in the group the application maps to a role."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in. `does` is one line for the visitor who picks a person."""

    sub: str
    name: str
    title: str
    does: str
    groups: tuple[str, ...]

    @property
    def email(self) -> str:
        return f"{self.sub}@amends.example"


PEOPLE = (
    Person("sam.ito", "Sam Ito", "Agent", "Checks requests, prepares plans", ("amends-agents",)),
    Person("lee.moreau", "Lee Moreau", "Lead", "Decides refunds over the limit", ("amends-leads",)),
    Person(
        "dana.cole",
        "Dana Cole",
        "Manager",
        "Approves plans before money moves",
        ("amends-managers",),
    ),
    Person("ruth.adeyemi", "Ruth Adeyemi", "Manager", "The second manager", ("amends-managers",)),
    Person("noor.haddad", "Noor Haddad", "Security", "Lifts fraud flags", ("amends-security",)),
    Person(
        "ben.okafor",
        "Ben Okafor",
        "Account manager",
        "Decides goodwill credit",
        ("amends-account-managers",),
    ),
    Person(
        "ivy.lindqvist",
        "Ivy Lindqvist",
        "Customer success manager",
        "Looks after cancellations",
        ("amends-csm",),
    ),
    Person(
        "otto.brandt",
        "Otto Brandt",
        "Auditor",
        "Audits cancellations and the record",
        ("amends-auditors",),
    ),
    Person(
        "alex.kim", "Alex Kim", "Engineer", "Runs Amends, sees its workings", ("amends-admins",)
    ),
)
