"""[organizations] of a map: which column of a foreign table is which of ours (docs/data-in.md)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accounts.intake.checks import COLUMNS, Cells

SECTION = "organizations"


class IntakeRefused(Exception):
    """The file or its map as a whole cannot be used; nothing was written."""


@dataclass(frozen=True)
class OrganizationMap:
    """How organizations are read from a foreign table."""

    columns: Mapping[str, str]  # ours -> theirs
    values: Mapping[str, str]  # ours -> the same for every line
    where: Mapping[str, frozenset[str]]
    excluded: Mapping[str, frozenset[str]]
    delimiter: str = ","

    @property
    def wanted(self) -> list[str]:
        """Their columns that are read."""
        return list(dict.fromkeys([*self.columns.values(), *self.where, *self.excluded]))

    def keeps(self, row: Cells) -> bool:
        return all(row[name] in values for name, values in self.where.items()) and not any(
            row[name] in values for name, values in self.excluded.items()
        )

    def cells(self, row: Cells) -> Cells:
        """Our cells of one of their rows."""
        return {**{ours: row[theirs] for ours, theirs in self.columns.items()}, **self.values}


def read_map(path: str | Path) -> OrganizationMap:
    """The map of organizations in a TOML file; raises IntakeRefused naming what is wrong with it."""
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise IntakeRefused(f"{path}: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise IntakeRefused(f"{path} is not TOML: {error}.") from error
    section = data.get(SECTION)
    if not isinstance(section, dict):
        raise IntakeRefused(f"{path} needs a table [{SECTION}].")
    for key in ("values", "where", "except"):
        if not isinstance(section.get(key, {}), dict):
            raise IntakeRefused(f"{path}: [{SECTION}] {key} is a table.")
    columns = {key: value for key, value in section.items() if key not in ("values", "where", "except")}
    values = section.get("values", {})
    _check(path, columns, values)
    delimiter = data.get("delimiter", ",")
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise IntakeRefused(f"{path}: delimiter is one character, not {delimiter!r}.")
    return OrganizationMap(
        columns, values, _texts(path, section, "where"), _texts(path, section, "except"), delimiter
    )


def _check(path: str | Path, columns: dict[str, Any], values: dict[str, Any]) -> None:
    for name, value in [*columns.items(), *values.items()]:
        if name not in COLUMNS:
            raise IntakeRefused(f"{path}: [{SECTION}] knows no {name!r}; it knows {', '.join(COLUMNS)}.")
        if not isinstance(value, str) or not value:
            raise IntakeRefused(f"{path}: [{SECTION}] {name} is a text.")
    if "external_id" not in columns:
        raise IntakeRefused(f"{path}: [{SECTION}] needs external_id = the column that holds it.")
    if doubled := sorted(set(columns) & set(values)):
        raise IntakeRefused(f"{path}: [{SECTION}] {doubled[0]} is a column or a value, not both.")


def _texts(path: str | Path, section: dict[str, Any], key: str) -> dict[str, frozenset[str]]:
    found = {}
    for column, value in section.get(key, {}).items():
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(one, str | int | float) for one in values):
            raise IntakeRefused(f"{path}: [{SECTION}] {key}.{column} is a text or a list of texts.")
        found[column] = frozenset(str(one).lower() if isinstance(one, bool) else str(one) for one in values)
    return found
