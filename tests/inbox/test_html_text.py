"""HTML as text: what a reader sees, nothing that runs, and no mail that takes for ever."""

import time

import pytest

from amends.gateways import html_text


@pytest.mark.req("V1.3.1")
@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Hello <b>Sam</b>,<br>thanks</p><p>Priya</p>", "Hello Sam,\nthanks\n\nPriya"),
        ("5 &lt; 6 &amp; &euro;7 &#8364;", "5 < 6 & €7 €"),
        ("5 < 6 and <3", "5 < 6 and <3"),
        ("<a href='https://x.example/a'>here</a>", "here (https://x.example/a)"),
        ("<a href='https://x.example/'>x.example</a>", "x.example"),
        ("<a href='javascript:alert(1)'>here</a>", "here"),
        ("<script>alert(1)</script>a<style>p{}</style>b<!-- c -->d", "abd"),
        ("a<script>b", "a"),
        ("a<!-- b", "a"),
        ("<title>no</title>yes", "yes"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<table><tr><td>Order</td><td>SO-1</td></tr></table>", "Order SO-1"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("a<img src=x onerror=alert(1) alt='Logo'>b<img src=y>", "a[Logo]b"),
        ("4242<b>42</b>42 <i>4242</i> 4242", "42424242 4242 4242"),
        ("", ""),
        ("<", "<"),
        ("<p", ""),
    ],
)
def test_it_reads_as_people_do(markup: str, text: str) -> None:
    assert html_text.plain(markup) == text


def test_quotations_carry_their_marks() -> None:
    markup = "<div>Yes.</div><div>On Tue we wrote:</div><blockquote>Is it <p>you?</blockquote>"
    assert html_text.plain(markup).split("\n")[:3] == ["Yes.", "On Tue we wrote:", "> Is it"]


@pytest.mark.req("V15.2.2", "V1.2.9")
@pytest.mark.parametrize(
    "unit",
    [
        *("<a ", "<!--", "<!", "<![", "</a", "<a x='", "&", "<?", "<a b=", "<script>", "<p>"),
        *("<td><p>", "<blockquote>", "<", '<a href="http://x', "<br>", "&#1", "<pre>\n", "<li>"),
        *("<td>", "<a href=http://a>"),
    ],
)
def test_a_mail_built_to_be_slow_is_not(unit: str) -> None:
    markup = unit * (200_000 // len(unit))
    began = time.perf_counter()
    html_text.plain(markup)
    assert time.perf_counter() - began < 3


def test_half_a_page_of_each_kind_then_the_other() -> None:
    began = time.perf_counter()
    html_text.plain("<td>" * 40_000 + "<p>" * 40_000)
    assert time.perf_counter() - began < 3
