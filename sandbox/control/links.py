"""Where the two doors are, and who to walk through them as."""

from dataclasses import dataclass
from urllib.parse import urlencode

from sandbox.control.tour import Door, Stop
from sandbox.identity.people import PEOPLE, Person


@dataclass(frozen=True)
class Customer:
    name: str
    organisation: str
    email: str
    what_to_try: str


CUSTOMERS = (
    Customer(
        "Priya Raman",
        "Harbor Fitness LLC",
        "billing@harborfitness.example",
        "Move a payment that two cards shared to a new card",
    ),
)


@dataclass(frozen=True)
class Links:
    portal_url: str
    desk_url: str
    customers: tuple[Customer, ...] = CUSTOMERS
    staff: tuple[Person, ...] = PEOPLE

    def address(self, stop: Stop) -> str:
        """Where a stop of the tour begins."""
        doors = {Door.PORTAL: self.portal_url, Door.DESK: self.desk_url, Door.OUTSIDE: ""}
        return doors[stop.door] + stop.path

    def portal_sign_in(self) -> str:
        return f"{self.portal_url}/sign-in"

    def desk_sign_in(self, person: Person) -> str:
        """The desk hands the hint on to the provider, which puts that person first."""
        return f"{self.desk_url}/sign-in?" + urlencode({"login_hint": person.email})
