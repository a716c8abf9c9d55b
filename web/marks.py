"""Icons and tags as markup made in Python: a list has hundreds, and a macro costs ten times it."""

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Protocol

from markupsafe import Markup, escape

from web.assets import Assets


class Tagged(Protocol):
    """A state with its word, tone and icon."""

    @property
    def state(self) -> str: ...
    @property
    def tone(self) -> str: ...
    @property
    def icon(self) -> str: ...


def icons(assets: Assets) -> Callable[..., Markup]:
    """`icon('receipt')` is mute beside words; `icon('x', 'Remove')` reads as Remove."""
    sprite = assets.url("icons.svg")

    @cache
    def icon(name: str, label: str = "") -> Markup:
        said = Markup('role="img" aria-label="{}"').format(label) if label else _MUTE
        return Markup(
            '<svg class="icon" {} focusable="false"><use href="{}#{}"></use></svg>'
        ).format(said, sprite, name)

    return icon


_MUTE = Markup('aria-hidden="true"')


def tags(icon: Callable[..., Markup]) -> Callable[..., Markup]:
    """`tag('Sent', 'go', 'landmark')`, or `tag(words.STATUS[case.status])`."""

    def tag(what: Tagged | str, tone: str = "", icon_name: str = "") -> Markup:
        if isinstance(what, str):
            return _tag(what, tone, icon(icon_name) if icon_name else "")
        return _tag(what.state, what.tone, icon(what.icon) if what.icon else "")

    return tag


def links(items: Iterable[tuple[str, str, object, bool]]) -> Markup:
    """List items of a margin: name, address, number or None, whether it is the page shown."""
    return Markup("").join(_link(*item) for item in items)


# What is kept is kept by type as well: ready markup equals the plain text of the same letters.
@lru_cache(maxsize=1024, typed=True)
def _link(name: str, address: str, number: object, current: bool) -> Markup:
    """Kept: every page of a door has the same dozen."""
    here = ' aria-current="page"' if current else ""
    count = "" if number is None else f'<span class="n">{escape(number)}</span>'
    return Markup(f'<li><a href="{escape(address)}"{here}>{escape(name)}{count}</a></li>\n')  # noqa: S704


@lru_cache(maxsize=1024, typed=True)
def _tag(word: str, tone: str, picture: str) -> Markup:
    return Markup(f'<span class="tag {escape(tone)}">{picture}{escape(word)}</span>')  # noqa: S704
