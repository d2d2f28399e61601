import pickle

import pytest

from observatory.errors import InputError, ObservatoryError

THIN = "\u202f"


def test_message_names_file_row_column_and_value_then_the_remedy():
    error = InputError("a.csv", "la valeur manque.", "complétez-la.", row=3, column="population", value="x")
    assert str(error).replace(THIN, "~") == (
        "fichier «~a.csv~», ligne 3, colonne «~population~», valeur «~x~»~: la valeur manque. "
        "Que faire~: complétez-la."
    )


def test_message_says_only_the_places_that_are_known():
    assert str(InputError("a.csv", "le fichier manque.", "remettez-le.")).replace(THIN, "~") == (
        "fichier «~a.csv~»~: le fichier manque. Que faire~: remettez-le."
    )


def test_row_zero_and_empty_value_are_said():
    message = str(InputError("a.csv", "r.", "q.", row=0, value=""))
    assert "ligne 0" in message
    assert f"valeur «{THIN}{THIN}»" in message


def test_is_caught_as_an_error_of_the_observatory():
    with pytest.raises(ObservatoryError, match=r"a\.csv"):
        raise InputError("a.csv", "r.", "q.")


def test_two_errors_stand_in_one_set():
    assert len({InputError("a.csv", "r.", "q."), InputError("a.csv", "r.", "q.")}) == 2


def test_crosses_a_process_boundary():
    error = InputError("a.csv", "r.", "q.", row=2, column="c")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
