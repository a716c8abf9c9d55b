"""What is kept of a mail in words: on a case, as a draft's story, and on the exceptions desk."""

from collections.abc import Sequence
from typing import Final

from amends.gateways.inbox_mail import Mail
from amends.gateways.inbox_sender import Dmarc
from amends.rules import card_numbers, quoting

_NO_TEXT: Final = "(The mail has no text.)"
_LONGEST_NOTE: Final = 2000
_LONGEST_DETAIL: Final = 10_000
_VERDICTS: Final = {
    Dmarc.PASS: "The mail server confirms that it comes from there.",
    Dmarc.FAIL: "The mail server says that it does not come from there.",
    Dmarc.NONE: "Nobody checked that it comes from there.",
}


def message(mail: Mail, ref: str, refused: Sequence[str]) -> str:
    """The message on the case. Its subject is told when it says more than ours did."""
    return card_numbers.mask(quoting.joined(_written(mail, ref, refused), mail.quoted))


def story(mail: Mail, refused: Sequence[str]) -> str:
    """The customer's story, which they go on to edit; so without what they quoted."""
    return card_numbers.mask(_written(mail, "", refused))


def whole(mail: Mail) -> str:
    """All that was written, to be kept as a file."""
    return card_numbers.mask(f"Subject: {mail.subject}\n\n{mail.own}\n\n{mail.quoted}".strip())


def _written(mail: Mail, ref: str, refused: Sequence[str]) -> str:
    said_before = bool(ref) and ref.lower() in mail.subject.lower()
    parts = ["" if said_before else mail.subject, mail.own or _NO_TEXT, not_kept(mail, refused)]
    return "\n\n".join(part for part in parts if part)


def not_kept(mail: Mail, refused: Sequence[str]) -> str:
    """What came with the mail and is not here, a sentence each."""
    sentences = [*mail.remarks, *refused]
    return "\n".join(["Not kept:", *(f"- {each}" for each in sentences)]) if sentences else ""


def sender(mail: Mail) -> str:
    """The address first: the name is whatever the sender likes."""
    name = f" (calls itself “{mail.sender_name}”)" if mail.sender_name else ""
    return card_numbers.mask(f"{mail.sender or 'A sender without one clear address'}{name}")


def detail(mail: Mail, why: str) -> str:
    """The mail for the exceptions desk, where its files are not kept."""
    files = ", ".join(f"“{file.name}”" for file in mail.files)
    head = [
        why,
        f"From: {sender(mail)}. {_VERDICTS[mail.dmarc] if mail.sender else ''}".rstrip(),
        f"Subject: {mail.subject or '(none)'}",
        f"Files, not kept: {files}" if files else "",
    ]
    text = quoting.joined(mail.own or _NO_TEXT, mail.quoted)[:_LONGEST_DETAIL]
    told = "\n".join(line for line in head if line)
    return card_numbers.mask(f"{told}\n\n{text}\n{not_kept(mail, ())}".strip())


def automatic(mail: Mail) -> str:
    """A short note of what a program wrote."""
    text = mail.own[:_LONGEST_NOTE]
    return card_numbers.mask(
        f"Automatic mail from {sender(mail)}: {mail.subject}\n\n{text}".strip()
    )
