"""The card of an edition: what it must hold, and what is said where it does not."""

from datetime import date

import pytest

from observatory.errors import InputError
from observatory.paths import PROJECT
from observatory.rendering.imprint import CARD, read_imprint

GOOD = (PROJECT / "data" / "reference" / CARD).read_text("utf-8")


def test_the_card_that_comes_with_the_code_is_read() -> None:
    imprint = read_imprint(PROJECT / "data" / "reference" / CARD)
    assert imprint.release.startswith(str(imprint.published_on.year))
    assert imprint.published_on >= date(2026, 1, 1)
    assert imprint.contact.address[-1] == "62590 Oignies"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("2026-1\n", "hiver\n"), "release"),
        (GOOD + "couleur: bleu\n", "couleur"),
        ("[", "YAML"),
        ("- 1\n", "fiche"),
    ],
)
def test_a_card_at_fault_is_said_to_be(tmp_path, text, said) -> None:
    path = tmp_path / CARD
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_imprint(path)
    assert "Que faire" in str(caught.value)


def test_a_card_that_is_not_there_is_said_to_be_missing(tmp_path) -> None:
    with pytest.raises(InputError, match="manque"):
        read_imprint(tmp_path / CARD)
