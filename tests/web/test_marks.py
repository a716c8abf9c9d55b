"""Marks are kept by what they show, and what is plain text stays so."""

from markupsafe import Markup

from web import marks


def test_ready_markup_is_never_taken_for_plain_text_of_the_same_letters() -> None:
    tag = marks.tags(lambda name: Markup(""))
    assert "<b>x</b>" in tag(Markup("<b>x</b>"))
    assert "&lt;b&gt;x&lt;/b&gt;" in tag("<b>x</b>")
    assert "<b>x</b>" in tag(Markup("<b>x</b>"))
    for name, shown in ((Markup("<i>"), "<i>"), ("<i>", "&lt;i&gt;")):
        assert f">{shown}</a>" in marks.links([(name, "/x", None, False)])


def test_links_show_their_number_and_the_page_that_is_open() -> None:
    made = marks.links([("Mine", "/a?b&c", "99+", True), ("Audits", "/audits", None, False)])
    assert made == (
        '<li><a href="/a?b&amp;c" aria-current="page">Mine<span class="n">99+</span></a></li>\n'
        '<li><a href="/audits">Audits</a></li>\n'
    )
