"""Who an address is here: the accounts it signs in to, and the cases it stands on."""

from dataclasses import dataclass

from tortoise.expressions import Q

from amends import facts
from amends.models import Account, Case

# Shorter texts would also be found inside of other words.
_SHORTEST_NAME = 4


@dataclass(frozen=True)
class Subject:
    """An address with everything that is held under it."""

    address: str
    accounts: tuple[Account, ...]
    cases: tuple[Case, ...]
    # Of a case that is erased without its account: what else its customer is called there.
    called: tuple[str, ...] = ()

    @property
    def account_ids(self) -> list[int]:
        return [account.id for account in self.accounts]

    @property
    def case_ids(self) -> list[int]:
        return [case.id for case in self.cases]

    @property
    def is_one_case(self) -> bool:
        """An old case of somebody who may still be a customer; nothing else of them is touched."""
        return bool(self.called)

    @property
    def names(self) -> tuple[str, ...]:
        """What names the person in free words, the longest first."""
        found = {self.address, *self.called}
        found |= {text for a in self.accounts for text in (a.contact_name, a.organisation)}
        found |= {case.contact_name for case in self.cases}
        long = {name.strip() for name in found if len(name.strip()) >= _SHORTEST_NAME}
        return tuple(sorted(long, key=lambda name: (-len(name), name)))


async def find(address: str) -> Subject:
    """Raises NotFound when the address is not known here."""
    asked = address.strip().lower()
    accounts = await Account.filter(billing_email=asked).order_by("id")
    ids = [account.id for account in accounts]
    cases = await Case.filter(Q(account_id__in=ids) | Q(contact_email__iexact=asked)).order_by("id")
    if not accounts and not cases:
        raise facts.NotFound("Nothing is held under this address.")
    return Subject(asked, tuple(accounts), tuple(cases))
