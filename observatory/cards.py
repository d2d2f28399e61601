"""Cards kept by hand in YAML, read into checked models.

Belongs here: reading one file into content or one model, with errors that name the entry at fault.
Does not: what each card holds.
"""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from observatory.errors import InputError

_REMEDY = "corrigez-le sur le modèle versionné avec le code."

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, remedy: str = _REMEDY) -> Any:
    """Return the content of a YAML file.

    Raises:
        InputError: the file is absent or unreadable.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(path.name, "le fichier manque.", "remettez-le.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path.name, "ce n’est pas du YAML lisible.", remedy) from error


def read_card(path: Path, model: type[Model]) -> Model:
    """Return the card of a YAML file.

    Raises:
        InputError: the file is absent or unreadable, or an entry is missing or does not suit.
    """
    card = read_yaml(path)
    try:
        return model.model_validate(card)
    except ValidationError as error:
        name = ".".join(map(str, error.errors()[0]["loc"])) or "fiche"
        raise InputError(path.name, f"« {name} » ne convient pas.", _REMEDY) from error
