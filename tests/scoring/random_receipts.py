"""Replays of the random organizations of the engine's tests, without a database: all kinds and states."""

from collections.abc import Iterator
from dataclasses import replace as changed
from datetime import UTC, date, datetime

from accounts.models import Organization
from scoring import engine, publish, sheets
from scoring.models import Batch, ScorecardVersion, Source
from scoring.replay import Measurement, Night, Replay
from tests.scoring.engine.random_panels import Population, pack, population

MADE = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
NUMBERS = Batch(pk=7, source=Source(key="numbers"), received_at=MADE)


def replays(seed: int, day: date, size: int, *, floors: str = "") -> Iterator[Replay]:
    """One replay an organization whose age is known, of a made-up night of the random card."""
    people = population(seed, day, size, floors=floors)
    version = ScorecardVersion(
        key="random", number=3, name="Random", text=people.text, digest=f"random {seed} {floors}"
    )
    for row, facts in enumerate(people.facts):
        if facts.age_days is not None:
            yield of_one(people, row, Night(day, version, 0, 11, 5, MADE, ""))


def of_one(people: Population, row: int, night: Night) -> Replay:
    """The replay of one of them."""
    card, facts = publish.card_of(night.version), people.facts[row]
    windows = {
        key: [
            (first, last, None if who is None else [who[row]])
            for first, last, who in some
            if who is None or who[row]
        ]
        for key, some in people.declared.items()
    }
    panel = pack(changed(people, facts=[facts], declared=windows))
    scores = engine.score(card, panel, explain=True)
    found = [
        Measurement(key, when, value, NUMBERS.pk, False)
        for key, values in sorted(facts.observations.items())
        for when, value in sorted(values.items())
        if when <= facts.day or people.card.metrics[key].nature == "stock"
    ]
    said = [
        Batch(
            pk=100 + number,
            source=Source(key="said"),
            received_at=MADE,
            metrics=[key],
            complete_from=first,
            complete_to=last,
        )
        for number, (key, first, last) in enumerate(
            (key, first, last) for key, some in windows.items() for first, last, _ in some
        )
    ]
    return Replay(
        organization=Organization(slug=f"customer-{row}", name=f"Customer {row}"),
        night=night,
        panel=panel,
        scores=scores,
        measurements=found,
        declarations=said,
        batches={NUMBERS.pk: NUMBERS},
        sheet=sheets.unpack(sheets.pack(card, scores)[0], card),
        sheet_products=None,
    )
