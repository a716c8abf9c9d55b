"""Mails that try to speak for Priya, each by hand. `{reply}` is the true reply address."""

from tests.inbox.letters import EVE, GATEWAY, PRIYA

GOOD = f"{GATEWAY}; spf=pass; dmarc=pass header.from=harborfitness.example"
FAIL = f"{GATEWAY}; spf=fail; dmarc=fail header.from=harborfitness.example"
FOLDED = GOOD.replace("; ", ";\n\t")
EVIL = f"{GATEWAY}; spf=pass; dmarc=pass header.from=evil.example"
AR = "Authentication-Results"
TO = "To: {reply}"

# The only ones that count as the customer's own word.
TRUE = {
    "proven": f"{AR}: {GOOD}\nFrom: {PRIYA}\n{TO}",
    "proven, with a name": f"{AR}: {GOOD}\nFrom: Priya Raman <{PRIYA}>\n{TO}",
    "proven, in capitals": f"{AR}: {GOOD.upper()}\nFrom: <{PRIYA.upper()}>\n{TO}",
    "proven, with a version": f"{AR}: {GOOD.replace(';', ' 1;', 1)}\nFrom: {PRIYA}\n{TO}",
    "proven, policy in a comment": f"{AR}: {GOOD.replace('pass header', 'pass (p=none) header')}\n"
    f"From: {PRIYA}\n{TO}",
    "proven, a forged verdict below": f"{AR}: {GOOD}\n{AR}: mx.evil.example; dmarc=fail\n"
    f"From: {PRIYA}\n{TO}",
    "proven, to several": f"{AR}: {GOOD}\nFrom: {PRIYA}\nTo: support@northwind.example\n"
    "Cc: Someone <x@y.example>, {reply}",
    "proven, folded": f"{AR}: {FOLDED}\nFrom: {PRIYA}\n{TO}",
    "proven, delivered by alias": f"{AR}: {GOOD}\nFrom: {PRIYA}\nDelivered-To: {{reply}}",
}
FORGED = {
    # No verdict, or not ours.
    "no verdict": f"From: {PRIYA}\n{TO}",
    "verdict fail": f"{AR}: {FAIL}\nFrom: {PRIYA}\n{TO}",
    "verdict none": f"{AR}: {GATEWAY}; dmarc=none header.from=harborfitness.example\n"
    f"From: {PRIYA}\n{TO}",
    "verdict temperror": f"{AR}: {GATEWAY}; dmarc=temperror header.from=harborfitness.example\n"
    f"From: {PRIYA}\n{TO}",
    "spf alone": f"{AR}: {GATEWAY}; spf=pass smtp.mailfrom=harborfitness.example\n"
    f"From: {PRIYA}\n{TO}",
    "dkim of another": f"{AR}: {GATEWAY}; dkim=pass header.d=evil.example\nFrom: {PRIYA}\n{TO}",
    "another gateway": f"{AR}: mx.evil.example; dmarc=pass header.from=harborfitness.example\n"
    f"From: {PRIYA}\n{TO}",
    "a name like ours": f"{AR}: {GATEWAY}.evil.example; dmarc=pass "
    f"header.from=harborfitness.example\nFrom: {PRIYA}\n{TO}",
    "our name in quotes": f'{AR}: "{GATEWAY}"; dmarc=pass header.from=harborfitness.example\n'
    f"From: {PRIYA}\n{TO}",
    "our name second": f"{AR}: evil {GATEWAY}; dmarc=pass header.from=harborfitness.example\n"
    f"From: {PRIYA}\n{TO}",
    "no name": f"{AR}: ; dmarc=pass header.from=harborfitness.example\nFrom: {PRIYA}\n{TO}",
    "forged below a fail": f"{AR}: {FAIL}\n{AR}: {GOOD}\nFrom: {PRIYA}\n{TO}",
    "forged below another": f"{AR}: mx.hop.example; none\n{AR}: {GOOD}\nFrom: {PRIYA}\n{TO}",
    "pass and fail": f"{AR}: {GOOD}; dmarc=fail header.from=harborfitness.example\n"
    f"From: {PRIYA}\n{TO}",
    "pass in a comment": f"{AR}: {GATEWAY}; spf=fail (; dmarc=pass "
    f"header.from=harborfitness.example)\nFrom: {PRIYA}\n{TO}",
    "pass in a quoted reason": f'{AR}: {GATEWAY}; spf=fail reason="; dmarc=pass '
    f'header.from=harborfitness.example"\nFrom: {PRIYA}\n{TO}',
    "pass behind an open quote": f'{AR}: {GATEWAY}; spf=fail "; dmarc=pass '
    f"header.from=harborfitness.example\nFrom: {PRIYA}\n{TO}",
    "pass behind an open comment": f"{AR}: {GATEWAY}; spf=fail (; dmarc=pass "
    f"header.from=harborfitness.example\nFrom: {PRIYA}\n{TO}",
    "pass without a domain": f"{AR}: {GATEWAY}; dmarc=pass\nFrom: {PRIYA}\n{TO}",
    "pass of another domain": f"{AR}: {EVIL}\nFrom: {PRIYA}\n{TO}",
    "pass of a subdomain": f"{AR}: {GATEWAY}; dmarc=pass header.from=x.harborfitness.example\n"
    f"From: {PRIYA}\n{TO}",
    "pass of a longer domain": f"{AR}: {GATEWAY}; dmarc=pass "
    f"header.from=harborfitness.example.evil.example\nFrom: {PRIYA}\n{TO}",
    "passed": f"{AR}: {GATEWAY}; dmarc=passed header.from=harborfitness.example\n"
    f"From: {PRIYA}\n{TO}",
    "x-dmarc": f"{AR}: {GATEWAY}; x-dmarc=pass header.from=harborfitness.example\n"
    f"From: {PRIYA}\n{TO}",
    "an ARC verdict": f"ARC-{AR}: i=1; {GOOD}\nFrom: {PRIYA}\n{TO}",
    "an X- verdict": f"X-{AR}: {GOOD}\nFrom: {PRIYA}\n{TO}",
    "verdict in the subject": f"Subject: {AR}: {GOOD}\nFrom: {PRIYA}\n{TO}",
    "a folded fake": f"Subject: x\n {AR}: {GOOD}\nFrom: {PRIYA}\n{TO}",
    "a verdict behind a bare return": f"Subject: x\r{AR}: {GOOD}\nFrom: {PRIYA}\n{TO}",
    "Received-SPF": f"Received-SPF: pass\nFrom: {PRIYA}\n{TO}",
    # A true verdict for somebody else.
    "Eve herself": f"{AR}: {EVIL}\nFrom: {EVE}\n{TO}",
    "Priya's address as a name": f'{AR}: {EVIL}\nFrom: "{PRIYA}" <{EVE}>\n{TO}',
    "Priya's mailbox as a name": f'{AR}: {EVIL}\nFrom: "Priya <{PRIYA}>" <{EVE}>\n{TO}',
    "an encoded name": f"{AR}: {EVIL}\nFrom: =?utf-8?q?=3Cbilling=40harborfitness.example=3E?= "
    f"<{EVE}>\n{TO}",
    "a bare address as a name": f"{AR}: {EVIL}\nFrom: {PRIYA} <{EVE}>\n{TO}",
    "a comment": f"{AR}: {EVIL}\nFrom: {EVE} ({PRIYA})\n{TO}",
    "two mailboxes": f"{AR}: {EVIL}\nFrom: {EVE}, {PRIYA}\n{TO}",
    "two mailboxes, Priya first": f"{AR}: {GOOD}\nFrom: {PRIYA}, {EVE}\n{TO}",
    "a group": f"{AR}: {GOOD}\nFrom: team: {PRIYA};\n{TO}",
    "two From": f"{AR}: {EVIL}\nFrom: {EVE}\nFrom: {PRIYA}\n{TO}",
    "two From, Priya first": f"{AR}: {GOOD}\nFrom: {PRIYA}\nFrom: {EVE}\n{TO}",
    "From with a blank": f"{AR}: {EVIL}\nFrom : {EVE}\nFrom: {PRIYA}\n{TO}",
    "From behind a bare return": f"{AR}: {GOOD}\nX: a\rFrom: {PRIYA}\nFrom: {EVE}\n{TO}",
    "From behind a zero": f"{AR}: {GOOD}\nFrom: {PRIYA}\x00\nX: {EVE}\n{TO}",
    "Sender": f"{AR}: {EVIL}\nSender: {PRIYA}\nFrom: {EVE}\n{TO}",
    "Reply-To": f"{AR}: {EVIL}\nReply-To: {PRIYA}\nFrom: {EVE}\n{TO}",
    "Resent-From": f"{AR}: {EVIL}\nResent-From: {PRIYA}\nFrom: {EVE}\n{TO}",
    "no From": f"{AR}: {GOOD}\nSender: {PRIYA}\n{TO}",
    "a look-alike": f"{AR}: {GOOD}\nFrom: billing@harborfitn\u0435ss.example\n{TO}",
    "an invisible sign": f"{AR}: {GOOD}\nFrom: billing\u200b@harborfitness.example\n{TO}",
    "a tag": f"{AR}: {GOOD}\nFrom: billing+x@harborfitness.example\n{TO}",
    "a colleague": f"{AR}: {GOOD}\nFrom: sam@harborfitness.example\n{TO}",
    "a route": f"{AR}: {GOOD}\nFrom: <@x.example:{PRIYA}>\n{TO}",
    # A proven sender, but not to the reply address.
    "the plain address": f"{AR}: {GOOD}\nFrom: {PRIYA}\nTo: support@northwind.example",
    "a number without a signature": f"{AR}: {GOOD}\nFrom: {PRIYA}\nTo: support+RB-2417@x.example",
    "a number in the subject": f"{AR}: {GOOD}\nFrom: {PRIYA}\nTo: support@northwind.example\n"
    "Subject: RB-2417",
    "an answer by id": f"{AR}: {GOOD}\nFrom: {PRIYA}\nTo: support@northwind.example\n"
    "In-Reply-To: <first@northwind.example>",
    "a changed signature": f"{AR}: {GOOD}\nFrom: {PRIYA}\nTo: {{changed}}",
    "another case's signature": f"{AR}: {GOOD}\nFrom: {PRIYA}\nTo: {{other}}",
    "our address at another domain": f"{AR}: {GOOD}\nFrom: {PRIYA}\nTo: {{elsewhere}}",
    # Programs in her name.
    "an automatic reply": f"{AR}: {GOOD}\nFrom: {PRIYA}\n{TO}\nAuto-Submitted: auto-replied",
    "a bulk mail": f"{AR}: {GOOD}\nFrom: {PRIYA}\n{TO}\nPrecedence: bulk",
    "a mailing list": f"{AR}: {GOOD}\nFrom: {PRIYA}\n{TO}\nList-Id: <x.example>",
    "no automatic answers wanted": f"{AR}: {GOOD}\nFrom: {PRIYA}\n{TO}\n"
    "X-Auto-Response-Suppress: All",
}
