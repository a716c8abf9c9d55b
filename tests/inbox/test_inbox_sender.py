"""Who wrote it: what is not exactly one address is nobody, what is not our verdict is none."""

import pytest

from amends.gateways import inbox_sender
from amends.gateways.inbox_sender import Dmarc
from tests.inbox import letters
from tests.inbox.letters import EVE, GATEWAY, PRIYA


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (PRIYA, PRIYA),
        (f"Priya Raman <{PRIYA}>", PRIYA),
        (f"<{PRIYA.upper()}>", PRIYA),
        (f'"{PRIYA}" <{EVE}>', EVE),
        (f'"Priya <{PRIYA}>" <{EVE}>', EVE),
        (f"=?utf-8?q?=3C{PRIYA.replace('@', '=40')}=3E?= <{EVE}>", EVE),
        (f"Priya ({PRIYA}) <{EVE}>", EVE),
        ("billing@bücher.example", "billing@xn--bcher-kva.example"),
        # In doubt nobody.
        (f"{PRIYA} <{EVE}>", ""),
        (f"{PRIYA}, {EVE}", ""),
        (f"<{PRIYA}> <{EVE}>", ""),
        (f"Priya <{PRIYA}", ""),
        (f"Priya <{PRIYA}> x", ""),
        (f"group: {PRIYA};", ""),
        (f'"unclosed <{PRIYA}>', ""),
        (f"(unclosed {PRIYA}", ""),
        (f'"billing"@harborfitness.example <{EVE}>', ""),
        ("<>", ""),
        ("", ""),
        ("Priya", ""),
        (f"<@relay.example:{PRIYA}>", ""),
        (f"<{PRIYA}\u202e>", ""),
        ("x" * 5000 + f" <{PRIYA}>", ""),
    ],
)
def test_from_is_one_mailbox_or_nobody(header: str, address: str) -> None:
    assert inbox_sender.address([header]) == address


def test_two_from_headers_are_nobody() -> None:
    assert inbox_sender.address([PRIYA, PRIYA]) == ""
    assert inbox_sender.address([]) == ""


def found(*headers: str) -> Dmarc:
    return inbox_sender.dmarc(headers, GATEWAY, PRIYA)


GOOD = letters.verdict("pass", PRIYA)


def test_our_gateways_word_counts() -> None:
    assert found(GOOD) is Dmarc.PASS
    assert found(letters.verdict("fail", PRIYA)) is Dmarc.FAIL
    assert found(GOOD.replace(";", " 1;", 1)) is Dmarc.PASS
    assert found(GOOD.replace("pass ", "pass (p=reject dis=none) ")) is Dmarc.PASS
    assert found(GOOD.upper()) is Dmarc.PASS


@pytest.mark.req("T50")
@pytest.mark.parametrize(
    "header",
    [
        letters.verdict("pass", PRIYA, "mx.evil.example"),
        letters.verdict("pass", PRIYA, f"{GATEWAY}.evil.example"),
        letters.verdict("pass", PRIYA, f"evil.{GATEWAY}"),
        letters.verdict("pass", PRIYA, f"mx.evil.example {GATEWAY}"),
        letters.verdict("pass", PRIYA, f'"{GATEWAY}"'),
        letters.verdict("pass", EVE),
        letters.verdict("none", PRIYA),
        letters.verdict("temperror", PRIYA),
        letters.verdict("passed", PRIYA),
        letters.verdict("bestguesspass", PRIYA),
        f"{GATEWAY}; none",
        f"{GATEWAY}; dmarc=pass",
        f"{GATEWAY}; x-dmarc=pass header.from=harborfitness.example",
        f'{GATEWAY}; spf=fail smtp.mailfrom="x; dmarc=pass header.from=harborfitness.example"',
        f"{GATEWAY}; spf=fail (; dmarc=pass header.from=harborfitness.example)",
        f"{GATEWAY}; spf=fail (a (b) ; dmarc=pass header.from=harborfitness.example)",
        f'{GATEWAY}; spf=fail "; dmarc=pass header.from=harborfitness.example',
        f"{GATEWAY}; spf=fail (; dmarc=pass header.from=harborfitness.example",
        f"{GOOD}; dmarc=fail header.from=harborfitness.example",
        f'{GATEWAY}; dmarc=pass header.from="harborfitness.example"',
        f"{GOOD}{' ' * 5000}",
        "",
        ";",
    ],
)
def test_no_other_word_counts(header: str) -> None:
    assert found(header) is Dmarc.NONE


def test_only_the_topmost_verdict_counts() -> None:
    assert found(letters.verdict("fail", PRIYA), GOOD) is Dmarc.FAIL
    assert found(letters.verdict("pass", PRIYA, "mx.other.example"), GOOD) is Dmarc.NONE


def test_without_a_gateway_nothing_counts() -> None:
    assert inbox_sender.dmarc([GOOD], "", PRIYA) is Dmarc.NONE
    assert inbox_sender.dmarc([GOOD], GATEWAY, "") is Dmarc.NONE
