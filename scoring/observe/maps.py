"""Maps: how a foreign table is read, from a small TOML file (docs/data-in.md has the format)."""

import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scoring.observe.checking import Range
from scoring.observe.reasons import IngestRefused

AGGREGATES = ("sum", "count", "distinct", "mean", "last")
PERIODS = ("day", "week", "month", "quarter", "year")
# What a table of the map may hold.
KEYS = {
    "": {
        "source",
        "delimiter",
        "organization",
        "day",
        "metric",
        "where",
        "except",
        "complete",
        "organizations",
    },
    "organization": {"column", "value"},
    "day": {"column", "format", "timezone", "per", "year", "month", "quarter"},
    "metric": {"key", "column", "aggregate", "where", "except"},
    "complete": {"from", "to"},
}
# Signs of a format that tell a time of day, a day, a month.
TIMES = ("%H", "%I", "%M", "%S", "%X", "%c", "%T", "%R")
DAYS = ("%d", "%j", "%x", "%c", "%u", "%w", "%a", "%A", "%D", "%F")
MONTHS = ("%m", "%b", "%B")

Filter = tuple[str, frozenset[str], bool]  # column, values, whether those are the ones to keep


@dataclass(frozen=True)
class MapMetric:
    """One metric of ours and where its numbers stand."""

    key: str
    column: str | None
    aggregate: str
    filters: tuple[Filter, ...]


@dataclass(frozen=True)
class MapDay:
    """Where the day of a line stands and how it is written."""

    column: str | None = None
    format: str | None = None
    zone: ZoneInfo | None = None
    per: str = "day"
    year: str | None = None
    month: str | None = None
    quarter: str | None = None

    @property
    def columns(self) -> list[str]:
        return [name for name in (self.column, self.year, self.month, self.quarter) if name]

    @property
    def has_time(self) -> bool:
        """Whether the stamps name a time of day, so that their zone decides the day."""
        return self.format is None or any(sign in self.format for sign in TIMES)

    @property
    def shortest(self) -> str:
        """The period that the format names: 2026-01 is a month, and counts as its last day."""
        if self.format is None or any(sign in self.format for sign in DAYS):
            return "day"
        return "month" if any(sign in self.format for sign in MONTHS) else "year"


@dataclass(frozen=True)
class Map:
    """How one foreign table is read."""

    path: str
    day: MapDay
    metrics: tuple[MapMetric, ...]
    organization_column: str | None = None
    organization_value: str | None = None
    filters: tuple[Filter, ...] = ()
    complete: tuple[date, date] | None = None
    source: str = ""
    delimiter: str = ","
    columns: tuple[str, ...] = field(default=())

    @property
    def keys(self) -> list[str]:
        return [metric.key for metric in self.metrics]

    def know(self, metrics: dict[str, Range]) -> None:
        """Refuse the map if a metric it names is not declared by any published scorecard."""
        for metric in self.metrics:
            if metric.key not in metrics:
                raise IngestRefused(
                    f"{self.path}: metric {metric.key!r} is not declared by any published scorecard."
                )
            if metrics[metric.key].nature == "event" and metric.aggregate not in ("count", "last"):
                raise IngestRefused(
                    f"{self.path}: {metric.key!r} is an event, it happened or not:"
                    f" its aggregate is count or last, not {metric.aggregate!r}."
                )


def read_map(path: str | Path) -> Map:
    """The map in a TOML file; raises IngestRefused naming what is wrong with it."""
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise IngestRefused(f"{path}: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise IngestRefused(f"{path} is not TOML: {error}.") from error
    return _Reader(str(path)).map(data)


class _Reader:
    """Reads the tables of one map and knows where it stands when it complains."""

    def __init__(self, path: str) -> None:
        self.path = path

    def refuse(self, complaint: str) -> IngestRefused:
        return IngestRefused(f"{self.path}: {complaint}.")

    def map(self, data: dict[str, Any]) -> Map:
        self.only(data, "", "")
        organization = self.table(data, "organization")
        if ("column" in organization) == ("value" in organization):
            raise self.refuse("[organization] needs either column or value")
        metrics = self.metrics(data.get("metric"))
        day = self.day(self.table(data, "day"))
        filters = self.filters(data, "")
        delimiter = self.text(data, "delimiter", "") or ","
        if len(delimiter) != 1:
            raise self.refuse(f"delimiter is one character, not {delimiter!r}")
        column = self.text(organization, "column", "[organization]")
        named = [column, *day.columns, *(name for name, _, _ in filters)]
        for metric in metrics:
            named += [metric.column, *(name for name, _, _ in metric.filters)]
        return Map(
            path=self.path,
            day=day,
            metrics=metrics,
            organization_column=column,
            organization_value=self.text(organization, "value", "[organization]"),
            filters=filters,
            complete=self.complete(data),
            source=self.text(data, "source", "") or "",
            delimiter=delimiter,
            columns=tuple(dict.fromkeys(name for name in named if name)),
        )

    def metrics(self, tables: Any) -> tuple[MapMetric, ...]:
        if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
            raise self.refuse("needs at least one [[metric]]")
        metrics = tuple(self.metric(table, f"metric[{n}]") for n, table in enumerate(tables))
        keys = [metric.key for metric in metrics]
        if doubled := [key for key in keys if keys.count(key) > 1]:
            raise self.refuse(f"metric {doubled[0]!r} stands there twice")
        return metrics

    def metric(self, table: dict[str, Any], where: str) -> MapMetric:
        self.only(table, "metric", where)
        key, column = self.text(table, "key", where), self.text(table, "column", where)
        if not key:
            raise self.refuse(f"{where} needs a key")
        aggregate = self.text(table, "aggregate", where) or "sum"
        if aggregate not in AGGREGATES:
            raise self.refuse(
                f"{where} {key!r}: aggregate is one of {', '.join(AGGREGATES)}, not {aggregate!r}"
            )
        if not column and aggregate != "count":
            raise self.refuse(f"{where} {key!r} needs a column; only a count can do without")
        return MapMetric(key, column, aggregate, self.filters(table, where))

    def day(self, table: dict[str, Any]) -> MapDay:
        self.only(table, "day", "[day]")
        read = {name: self.text(table, name, "[day]") for name in KEYS["day"]}
        per = read["per"] or "day"
        if per not in PERIODS:
            raise self.refuse(f"[day] per is one of {', '.join(PERIODS)}, not {per!r}")
        if read["month"] and read["quarter"]:
            raise self.refuse("[day] takes month or quarter beside year, not both")
        if bool(read["column"]) == bool(read["year"]) or (
            read["column"] and (read["month"] or read["quarter"])
        ):
            raise self.refuse("[day] needs either column, or year with month or quarter")
        if read["year"] and (read["format"] or read["timezone"]):
            raise self.refuse("[day] format and timezone go with column, not with year")
        zone = self.zone(read["timezone"])
        spelled = read["format"]
        if spelled and any(sign in spelled for sign in TIMES) and "%z" not in spelled and not zone:
            raise self.refuse(
                f"[day] format {spelled!r} has a time of day but no zone:"
                ' add timezone = "UTC" or the zone that the stamps are written in'
            )
        return MapDay(read["column"], spelled, zone, per, read["year"], read["month"], read["quarter"])

    def zone(self, name: str | None) -> ZoneInfo | None:
        try:
            return ZoneInfo(name) if name else None
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise self.refuse(f"[day] timezone {name!r} is not known") from error

    def filters(self, table: dict[str, Any], where: str) -> tuple[Filter, ...]:
        found: list[Filter] = []
        for key, is_kept in (("where", True), ("except", False)):
            for column, values in self.table(table, key, required=False).items():
                values = values if isinstance(values, list) else [values]
                if not values or not all(isinstance(value, str | int | float) for value in values):
                    raise self.refuse(f"{where} {key}.{column} is a text or a list of texts".strip())
                found.append((column, frozenset(map(spelling, values)), is_kept))
        return tuple(found)

    def complete(self, data: dict[str, Any]) -> tuple[date, date] | None:
        table = self.table(data, "complete", required=False)
        if not table:
            return None
        self.only(table, "complete", "[complete]")
        window = []
        for key in ("from", "to"):
            day = table.get(key)
            if not isinstance(day, date) or isinstance(day, datetime):
                raise self.refuse(f"[complete] {key} is a day like 2026-01-31, without quotes")
            window.append(day)
        return window[0], window[1]

    def table(self, data: dict[str, Any], key: str, *, required: bool = True) -> dict[str, Any]:
        if key not in data and not required:
            return {}
        table = data.get(key)
        if not isinstance(table, dict):
            raise self.refuse(f"needs a table [{key}]")
        if key in KEYS:
            self.only(table, key, f"[{key}]")
        return table

    def only(self, table: dict[str, Any], kind: str, where: str) -> None:
        if unknown := sorted(set(table) - KEYS[kind]):
            raise self.refuse(
                f"{where} knows no {unknown[0]!r}; it knows {', '.join(sorted(KEYS[kind]))}".strip()
            )

    def text(self, table: dict[str, Any], key: str, where: str) -> str | None:
        value = table.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.refuse(f"{where} {key} is a text".strip())
        return value


def spelling(value: Any) -> str:
    """A value as filters compare it: JSON true and TOML true are the same word."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
