"""What a mail server can do wrong, on demand."""


class Faults:
    """Counts of coming refusals, and addresses that always bounce."""

    def __init__(self) -> None:
        self.temporary = 0
        self.permanent = 0
        self.bouncing: set[str] = set()

    def refuse_next(self, times: int) -> None:
        """The next messages are answered 451: try again later."""
        self.temporary += times

    def reject_next(self, times: int) -> None:
        """The next messages are answered 550: never."""
        self.permanent += times

    def bounce(self, address: str) -> None:
        """Every recipient of this address is answered 550."""
        self.bouncing.add(address.casefold())

    def answer_to_recipient(self, address: str) -> str | None:
        return "550 5.1.1 No such mailbox" if address.casefold() in self.bouncing else None

    def answer_to_message(self) -> str | None:
        if self.temporary:
            self.temporary -= 1
            return "451 4.3.0 Try again later"
        if self.permanent:
            self.permanent -= 1
            return "550 5.7.1 Not accepted"
        return None

    def clear(self) -> None:
        self.temporary = self.permanent = 0
        self.bouncing.clear()
