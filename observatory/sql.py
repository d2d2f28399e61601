"""How names, texts and the contracts' descriptions are written in SQL."""

from observatory.tables import TABLES


def quoted(name: str) -> str:
    """Return ``schema.table`` as an identifier."""
    schema, _, table = name.partition(".")
    return f'"{schema}"."{table}"'


def text(value: object) -> str:
    """Return a literal, with its quotes."""
    return "'" + str(value).replace("'", "''") + "'"


def comments(name: str, target: str) -> list[str]:
    """Return the statements that carry the contract of table ``name`` to the table written ``target``."""
    if name not in TABLES:
        return []
    table = TABLES[name]
    return [
        f"COMMENT ON TABLE {target} IS {text(table.description)}",
        *(
            f'COMMENT ON COLUMN {target}."{column.name}" IS {text(column.description)}'
            for column in table.columns
        ),
    ]
