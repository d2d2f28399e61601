"""The cell of a figure, as HTML.

Belongs here: a figure, its status, its marks. A site has four hundred thousand of them, which a macro writes
more slowly.
Does not: tables (templates), which marks there are (``marks``).
"""

from markupsafe import Markup, escape

from observatory.rendering.figures import Figure
from observatory.rendering.marks import Mark

_STATUS = Markup('<span class="status status-{}"{}>{}</span>')
_TITLE = Markup(' title="{}"')
_FRAGILE = Markup(' <span class="fragile">fragile</span>')
_FICTIVE = Markup(' <span class="mark">fictif</span>')
# The accessible name of an image is its title.
_JUDGED = Markup(' <span class="{}" role="img" title="{}">{}</span>')


def shown(figure: Figure, explained: bool = True) -> Markup:
    """Write a number with its marks, or the word that says why there is none.

    ``explained`` gives that word its meaning as a title.
    """
    if figure.value is None:
        return _STATUS.format(figure.status, _TITLE.format(figure.meaning) if explained else "", figure.text)
    marks = (_FRAGILE if figure.fragile else Markup("")) + (_FICTIVE if figure.fictive else Markup(""))
    return escape(figure.text) + marks


def judged(mark: Mark) -> Markup:
    """Write the mark of a comparison."""
    return _JUDGED.format(mark.css, mark.word, mark.sign)


def cell(figure: Figure, css: str = "", mark: Mark | None = None, explained: bool = True) -> Markup:
    """Write a table cell; ``css`` is added to its classes, and an absent figure sorts as such."""
    if figure.bare and not css and mark is None:
        return Markup(f'<td class="n">{escape(figure.text)}</td>\n')
    classes = f"n{' ' + css if css else ''}{' fictive' if figure.fictive else ''}"
    absent = ' data-sort=""' if figure.value is None else ""
    inner = escape(figure.text) if figure.bare else shown(figure, explained)
    return Markup(f'<td class="{escape(classes)}"{absent}>{inner}{judged(mark) if mark else ""}</td>\n')
