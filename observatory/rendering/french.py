"""French typography: numbers, quantities, plurals, elisions, alphabetical order.

Belongs here: how a value or a name is written in a French sentence or cell.
Does not: what the sentence says, HTML.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from observatory.releases.embargo import PARIS

THIN_SPACE = "\u202f"
NO_BREAK_SPACE = "\u00a0"
MINUS = "\u2212"

_MONTHS = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905
)
# Areas drawn on one another differ by this share of themselves through rounding alone; shares written more
# finely are of larger areas, where it is less.
_NEGLIGIBLE = 0.0005
_VOWELS = "aeiouy"
# Words in -s that are no plural.
_INVARIABLE = ("décès",)
# Germanic place names of the basin whose h forbids elision; the others follow « d’Hénin-Beaumont ».
_ASPIRATED = ("haisnes", "ham-en-artois", "hamel", "harnes", "haveluy", "hordain", "houchin", "hulluch")


def number(value: float, decimals: int = 0) -> str:
    """Write ``value`` with ``decimals`` decimals, halves rounded away from zero.

    Thousands are parted by a thin no-break space, decimals by a comma, and a value that rounds to
    zero loses its sign.
    """
    rounded = _rounded(value, decimals)
    sign = MINUS if rounded < 0 else ""
    text = f"{abs(rounded):,.{decimals}f}"
    return sign + text.replace(",", THIN_SPACE).replace(".", ",")


def _rounded(value: float, decimals: int) -> Decimal:
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def unit(text: str) -> str:
    """Write a unit so that it never breaks over two lines."""
    return text.replace(" ", NO_BREAK_SPACE)


def quantity(value: float, decimals: int, unit_name: str) -> str:
    """Write a value and its unit, held together by a no-break space."""
    return f"{number(value, decimals)}{NO_BREAK_SPACE}{unit(unit_name)}"


def share(part: float, decimals: int = 0) -> str:
    """Write a part, from 0 to 1, in per cent; what is nearly nothing or nearly all is said to be so."""
    step = 10.0**-decimals
    rounding, negligible = step / 200, step * _NEGLIGIBLE
    if negligible < part < rounding:
        return f"moins de {quantity(step, decimals, '%')}"
    if 1 - rounding <= part < 1 - negligible:
        return f"plus de {quantity(100 - step, decimals, '%')}"
    return quantity(part * 100, decimals, "%")


def ordinal(rank: int) -> str:
    """Write a rank: 1er, 2e."""
    return f"{number(rank)}{'er' if rank == 1 else 'e'}"


def plural(count: int, singular: str, many: str) -> str:
    """Write a count and its noun; French takes the plural from two on."""
    return f"{number(count)}{NO_BREAK_SPACE}{singular if count < 2 else many}"


def long_date(day: date) -> str:
    """Write a date: 1er mars 2024."""
    return f"{'1er' if day.day == 1 else day.day} {_MONTHS[day.month - 1]} {day.year}"


def paris_time(at: datetime) -> str:
    """Write an instant: 15 janvier 2027 à 6 h 00, heure de Paris."""
    local = at.astimezone(PARIS)
    hour = f"{local.hour}{NO_BREAK_SPACE}h{NO_BREAK_SPACE}{local.minute:02d}"
    return f"{long_date(local.date())} à {hour}, heure de Paris"


def fold(text: str) -> str:
    """Return ``text`` in lower case without accents nor ligatures, for order and comparison."""
    spelled = text.lower().replace("œ", "oe").replace("æ", "ae").replace("’", "'")
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(letter)
    )


def _elides(name: str) -> bool:
    folded = fold(name)
    if folded.startswith("h"):
        return not folded.startswith(_ASPIRATED)
    return folded[:1] in _VOWELS


def of(name: str) -> str:
    """Write « de » before a place name: de Béthune, d’Aniche, du Quesnoy, des Baudets."""
    if name.startswith("Le "):
        return f"du {name[3:]}"
    if name.startswith("Les "):
        return f"des {name[4:]}"
    return f"d’{name}" if _elides(name) else f"de {name}"


def at(name: str) -> str:
    """Write « à » before a place name: à Béthune, à La Couture, au Quesnoy, aux Baudets."""
    if name.startswith("Le "):
        return f"au {name[3:]}"
    if name.startswith("Les "):
        return f"aux {name[4:]}"
    return f"à {name}"


def that(words: str) -> str:
    """Write « que » before words: que dans, qu’à, qu’en."""
    return f"qu’{words}" if _elides(words) else f"que {words}"


def joined(words: Sequence[str]) -> str:
    """Write a list: a, b et c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} et {words[-1]}"


def counted(value: float, decimals: int, noun: str) -> str:
    """Write a value and a noun given in the plural; French takes the plural from two on.

    Only the first word is put in the singular, where it is a noun in -s that has one: « % », « € », « pour
    1 000 habitants » and « décès » stay as they are.
    """
    first, *rest = noun.split(" ")
    if abs(_rounded(value, decimals)) < 2 and first.endswith("s") and first not in _INVARIABLE:
        first = first[:-1]
    return quantity(value, decimals, " ".join((first, *rest)))


def capital(text: str) -> str:
    """Write a first letter large, the others as they are."""
    return text[:1].upper() + text[1:]


def two_lines(name: str, longest: int) -> list[str]:
    """Break a name of more than ``longest`` letters in two, at the space nearest to its middle."""
    breaks = [index for index, letter in enumerate(name) if letter == " "]
    if len(name) <= longest or not breaks:
        return [name]
    middle = min(breaks, key=lambda index: (abs(index - len(name) / 2), index))
    return [name[:middle], name[middle + 1 :]]


def typeset(text: str) -> str:
    """Put no-break spaces where French wants them in typed prose: thin before marks, wide before %."""
    spaced = re.sub(r"(?<=«)[ \u00a0]?|[ \u00a0](?=[;:!?»](?:\W|$))", THIN_SPACE, text)
    thousands = re.sub(r"(?<![\d\u202f])(\d{1,3}) (?=\d{3}(?!\d))", rf"\1{THIN_SPACE}", spaced)
    return re.sub(r"(?<=\d) (?=[%‰€])", NO_BREAK_SPACE, thousands.replace(THIN_SPACE * 2, THIN_SPACE))


def typeset_row(row: Mapping[str, Any], *columns: str) -> dict[str, Any]:
    """Return a row with some columns of prose typeset; other columns and nulls are left as they are."""
    prose = {name: typeset(row[name]) for name in columns if row[name] is not None}
    return {**row, **prose}
