"""Lines of lists: what a customer wrote stays words, what is late is red, and whose a case is."""

import re
from datetime import timedelta

import pytest

from amends import clock
from amends.flow import shelf
from amends.models import Account, Case
from tests.backoffice import desk, scene

pytestmark = pytest.mark.usefixtures("db")
HOSTILE = "<b id=x>&\"'"
SHOWN = "&lt;b id=x&gt;&amp;&#34;&#39;"


async def test_what_a_customer_wrote_is_words_in_every_list() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    await Account.filter(id=shop.account.id).update(organisation=HOSTILE)
    await Case.filter(id=case.id).update(contact_name=HOSTILE)
    client = await desk.browser(sam)

    for path in ("/queue?view=all", "/search?q=SO-10482", f"/queue?view=all&q={case.ref}"):
        text = (await client.get(path)).text
        assert text.count(SHOWN) == 2 and "<b id=x>" not in text, path


async def test_a_line_says_what_is_late_whose_it_is_and_its_labels() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    nia = await scene.staff("Nia Brooks")
    mine, hers, free = [
        await scene.in_triage(shop, sam),
        await scene.in_triage(shop, nia),
        await scene.submitted(shop),
    ]
    await shelf.label(mine, sam, "vip")
    await Case.filter(id=mine.id).update(due_at=clock.now() - timedelta(hours=3))
    await Case.filter(id=hers.id).update(due_at=None)

    page = await (await desk.browser(sam)).get("/queue?view=all")
    rows = dict(re.findall(r'<tr data-row id="row-([^"]+)">(.*?)</tr>', page.text, re.DOTALL))

    assert "Overdue 3 h" in rows[mine.ref] and "You" in rows[mine.ref]
    assert "vip" in rows[mine.ref] and "Identity matched" in rows[mine.ref]
    assert "No date" in rows[hers.ref] and "Nia Brooks" in rows[hers.ref]
    assert "Nobody yet" in rows[free.ref] and "vip" not in rows[free.ref]
    assert [ref for ref, row in rows.items() if 'class="tag bad"' in row] == [mine.ref]
