"""Delays and force majeure: the order's own dates decide the text, and payments stay due."""

from datetime import date

import pytest

from amends.models import Order
from tests.backoffice.scene import Customers
from tests.portal import filing as filings
from tests.portal.visitor import Browser


@pytest.mark.req("B2", "B3")
@pytest.mark.parametrize(
    ("handed_over", "delivered", "words"),
    [
        (None, None, "is not with a carrier yet"),
        (date(2026, 10, 16), None, "From that day the risk of loss and damage is yours"),
        (date(2026, 10, 16), date(2026, 10, 20), "If it was damaged on the way, claim with"),
    ],
)
async def test_the_check_says_who_answers_for_the_delay_by_where_the_order_is(
    priya: Browser, harbor: Customers, handed_over: date | None, delivered: date | None, words: str
) -> None:
    await Order.filter(id=harbor.order.id).update(
        handed_over_on=handed_over, delivered_on=delivered
    )
    filing = await filings.rebill(priya, harbor)
    page = await priya.get(f"{filing.base}/check")
    assert words in page.words
    for sentence in (
        "We are not responsible for delays that carriers, customs or other third parties cause.",
        "They do not excuse payments: fees stay due.",
    ):
        assert sentence in page.words, sentence
