"""Scorecard files into immutable versions: checked, numbered, with their metrics given slots."""

import hashlib
from datetime import date

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Action, Product
from scoring import engine
from scoring.engine import Scorecard, ScorecardInvalid
from scoring.models import Metric, ScorecardVersion
from scoring.pack import places, take_turn

ALWAYS = date(2000, 1, 1)  # a first version also scores days before it was published
PARSED: dict[str, Scorecard] = {}  # by digest of the text: a version never changes, and there are few
FIXED = ("nature", "grain")  # of a metric: they decide how it was packed, so they never change


@transaction.atomic
def publish(text: str, *, effective_on: date | None = None) -> ScorecardVersion:
    """The new version of this file, in force from a day on; the same text again gives the one it is.

    raises  ScorecardInvalid with every problem and its path in the file
    """
    card = engine.parse(text)
    take_turn()  # slots are given to one publisher at a time
    digest = hashlib.sha256(text.encode()).hexdigest()
    newest = ScorecardVersion.objects.filter(key=card.key).order_by("-number").first()
    if newest and newest.digest == digest:
        return newest
    for product in card.products:
        Product.objects.update_or_create(key=product.key, defaults={"name": product.name})
    register(card)
    version = ScorecardVersion.objects.create(
        key=card.key,
        number=newest.number + 1 if newest else 1,
        name=card.name,
        text=text,
        digest=digest,
        effective_on=effective_on or (timezone.now().date() if newest else ALWAYS),
    )
    audit.record(
        Action.SCORECARD_PUBLISHED,
        target=("scorecard", f"{version.name} v{version.number}"),
        after={"scorecard": version.key, "digest": digest, "effective_on": version.effective_on},
    )
    return version


def register(card: Scorecard) -> None:
    """Make the scorecard's metrics known to ingest; a new one gets the next free slot of its row."""
    known = {metric.key: metric for metric in Metric.objects.all()}
    changed = [
        (f'metric "{metric.key}".{name}', f"is {was} for good and cannot become {now}: take a new key")
        for metric in card.metrics
        if metric.key in known
        for name in FIXED
        if (was := getattr(known[metric.key], name)) != (now := str(getattr(metric, name)))
    ]
    if changed:
        raise ScorecardInvalid(changed)
    for metric in card.metrics:
        daily = str(metric.grain) == "day"
        loose = {
            "name": metric.name,
            "unit": metric.unit,
            "product": metric.product or "",
            "cadence": str(metric.cadence),
            "lag": metric.lag,
            "minimum": metric.minimum,
            "maximum": metric.maximum,
        }
        fixed = {name: str(getattr(metric, name)) for name in FIXED}
        if metric.key in known:
            Metric.objects.filter(key=metric.key).update(**loose)
        else:
            Metric.objects.create(key=metric.key, daily=daily, slot=next_slot(daily=daily), **fixed, **loose)


def next_slot(*, daily: bool) -> int:
    """The first slot of the row that no metric ever had."""
    last = Metric.objects.filter(daily=daily).order_by("-slot").first()
    if last is None:
        return 0
    return last.slot + (1 if daily else places(last.nature))


def in_force(key: str, day: date) -> ScorecardVersion | None:
    """The version of a scorecard that scores this day; None before its first."""
    return (
        ScorecardVersion.objects.filter(key=key, effective_on__lte=day)
        .order_by("-effective_on", "-number")
        .first()
    )


def scorecard_keys() -> list[str]:
    """Keys of all published scorecards."""
    return list(ScorecardVersion.objects.order_by("key").values_list("key", flat=True).distinct())


def card_of(version: ScorecardVersion) -> Scorecard:
    """The parsed scorecard of a version; parsed once a process, since a version never changes."""
    card = PARSED.get(version.digest)
    if card is None:
        card = PARSED[version.digest] = engine.parse(version.text)
    return card
