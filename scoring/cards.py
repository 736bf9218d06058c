"""The card of a signal: twelve texts and what belongs to them, for whoever wants to know what it is about.

Cards are prose. They stand beside the scorecard, in scorecards/cards/<product>.toml, and move no number; that
their formulas are those of the scorecard is checked by tests, and told to the reader by `is_as_written`.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from scoring import engine
from scoring.engine import Scorecard, Signal

SCORECARDS = Path(__file__).resolve().parent / "scorecards"
SHIPPED = SCORECARDS / "customer_success.toml"
CARDS = SCORECARDS / "cards"
MOST_RELATED = 5


@dataclass(frozen=True)
class Parts:
    """The twelve texts, in the order in which they are read."""

    definition: str
    insight: str
    measurement: str
    formula: str
    trend: str
    diagnostics: str
    tips: str
    chart: str
    risk: str
    tools: str
    integration: str
    change: str


@dataclass(frozen=True)
class Card:
    """What is written about one signal; `search` are the words to look for at the vendor's help site."""

    signal: str
    parts: Parts
    gaming: str
    owner: str
    history: str
    related: tuple[str, ...]
    search: str


PARTS = tuple(field.name for field in fields(Parts))
BESIDE = ("gaming", "owner", "history", "search")
TEXTS = (*PARTS, *BESIDE)


class CardsInvalid(Exception):
    """Card files that cannot be used; `problems` holds every (path, message) found in them."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{path}: {message}" for path, message in self.problems))


# ---------- the shipped ones ----------


def of(signal: Signal) -> Card | None:
    """The card of a signal; None for one that nobody has written about, such as a vendor's own."""
    return shipped().get(signal.key)


def is_as_written(signal: Signal) -> bool:
    """Whether this signal is computed as its card says: a version of the vendor's own may differ."""
    written = _rules()[signal.key]
    return (signal.kind, signal.options) == (written.kind, written.options)


@cache
def shipped() -> Mapping[str, Card]:
    """The cards beside the scorecard we ship, by signal; read once a process."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(CARDS.glob("*.toml"))}
    return read(texts, _scorecard())


@cache
def _scorecard() -> Scorecard:
    return engine.parse(SHIPPED.read_text(encoding="utf-8"))


@cache
def _rules() -> Mapping[str, Signal]:
    return {signal.key: signal for signal in _scorecard().signals}


# ---------- files into cards ----------


def read(texts: Mapping[str, str], scorecard: Scorecard) -> Mapping[str, Card]:
    """The cards of these files, by signal, in the order of the scorecard.

    raises  CardsInvalid naming each missing part, unknown signal and text that is there twice
    """
    problems: list[tuple[str, str]] = []
    tables = _tables(texts, problems)
    scored = [signal.key for signal in scorecard.signals if not signal.preview]
    for path, key, _ in tables:
        if key not in scored:
            problems.append((path, f"{key!r} is no scored signal of {scorecard.name}"))
    written = {key: (path, table) for path, key, table in tables}
    problems += [(key, "has no card") for key in scored if key not in written]
    cards = {key: _card(key, *written[key], scored, problems) for key in scored if key in written}
    problems += _said_twice(cards.values())
    if problems:
        raise CardsInvalid(problems)
    return cards


def _tables(
    texts: Mapping[str, str], problems: list[tuple[str, str]]
) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Path, signal and table of each card; a signal is written about once."""
    found: dict[str, tuple[str, str, Mapping[str, Any]]] = {}
    for name, text in texts.items():
        try:
            tables = tomllib.loads(text)
        except ValueError as error:
            problems.append((name, f"not TOML: {error}"))
            continue
        for key, table in tables.items():
            path = f'{name} "{key}"'
            if key in found:
                problems.append((path, f"{found[key][0]} is a card of it already"))
            elif not isinstance(table, dict):
                problems.append((path, f"must be a table, not {table!r}"))
            else:
                found[key] = (path, key, table)
    return list(found.values())


def _card(
    key: str, path: str, table: Mapping[str, Any], scored: Sequence[str], problems: list[tuple[str, str]]
) -> Card:
    text = {name: _text(table, name, path, problems) for name in TEXTS}
    problems += [(f"{path}.{name}", "unknown part") for name in table if name not in (*TEXTS, "related")]
    return Card(
        signal=key,
        parts=Parts(**{name: text[name] for name in PARTS}),
        **{name: text[name] for name in BESIDE},
        related=_related(key, table, path, scored, problems),
    )


def _text(table: Mapping[str, Any], name: str, path: str, problems: list[tuple[str, str]]) -> str:
    value = table.get(name)
    if isinstance(value, str) and value.strip():
        return value.strip()
    problems.append((f"{path}.{name}", "is missing" if value is None else f"must be a text, not {value!r}"))
    return ""


def _related(
    key: str, table: Mapping[str, Any], path: str, scored: Sequence[str], problems: list[tuple[str, str]]
) -> tuple[str, ...]:
    """Signals worth reading beside this one: others, each once, and few."""
    value = table.get("related")
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_RELATED:
        problems.append((f"{path}.related", f"must list 1 to {MOST_RELATED} signals, not {value!r}"))
        return ()
    for place, each in enumerate(value):
        if each not in scored or each == key or each in value[:place]:
            problems.append((f"{path}.related", f"{each!r} is unknown, there twice or the signal itself"))
    return tuple(str(each) for each in value)


def _said_twice(cards: Iterable[Card]) -> list[tuple[str, str]]:
    """Texts that stand in two places: a card that could be another's explains nothing."""
    first: dict[str, str] = {}
    problems = []
    for card in cards:
        for name, text in texts_of(card):
            place = f"{card.signal}.{name}"
            words = " ".join(text.casefold().split())
            if words and words in first:
                problems.append((place, f"is word for word {first[words]}: {text!r}"))
            first.setdefault(words, place)
    return problems


def texts_of(card: Card) -> list[tuple[str, str]]:
    """Every text of a card with its name: the twelve parts, then what stands beside them."""
    parts = [(name, getattr(card.parts, name)) for name in PARTS]
    return parts + [(name, getattr(card, name)) for name in BESIDE if name != "search"]
