"""What an action would bring is what the night finds once it was done, to the hundredth."""

import csv
from datetime import timedelta
from pathlib import Path

import pytest

from accounts.models import Organization
from recommendations import gain
from recommendations.gain import Aim
from scoring import engine, observe, pack, read
from scoring.models import ScorecardVersion
from tests.factories import make_observations, make_organization
from tests.recommendations.wide import DAY, make_wide, night, publish_wide_card


@pytest.fixture
def version(db: None) -> ScorecardVersion:
    return publish_wide_card()


@pytest.fixture
def wide(version: ScorecardVersion) -> Organization:
    organization = make_wide()
    night(version)
    return organization


def aims_of(at: gain.Ground, more: float = 15) -> list[Aim]:
    """For every scored signal that can rise: so many points more."""
    return [
        Aim(signal.key, min(at.points(signal.key) + more, 100))
        for signal in at.card.signals
        if gain.lack_of(at, signal.key) is None and at.points(signal.key) < 99
    ]


def carry_out(organization: Organization, changes: dict, folder: Path) -> None:
    """Send what has changed through the real intake, as corrections where there was a number already."""
    path = folder / "done.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["organization", "metric", "day", "value"])
        out.writerows(
            [organization.external_id, metric, day.isoformat(), repr(value)]
            for (metric, day), value in changes.items()
        )
    report = observe.ingest(path, today=DAY + timedelta(days=1), are_corrections=True)
    assert report.accepted + report.corrected + report.duplicate == len(changes), report
    pack.pack_due()


def published(organization: Organization) -> dict[str, int | None]:
    """Every node of the newest card, as the pages read it."""
    card = read.latest(organization)
    assert card is not None
    return {id: reading.points for id, reading in card.by_node.items()}


def test_every_planned_action_brings_what_was_planned_in_the_real_night(wide, version, tmp_path):
    at = gain.ground(wide)
    planned = gain.together(at, aims_of(at))
    kinds = {at.card.nodes[at.place[key]].signal.kind for key in planned.order}
    assert kinds == {signal.kind for signal in at.card.signals}
    assert not [each.aim for each in planned.estimates if each.lack]

    carry_out(wide, planned.changes, tmp_path)
    night(version, revision=1)

    assert published(wide) == planned.after
    assert planned.after["overall"] > planned.before["overall"]


def test_steps_of_a_plan_add_up_to_it(wide):
    at = gain.ground(wide)

    planned = gain.together(at, aims_of(at)[:12])

    steps = sum(each.overall for each in planned.estimates)
    assert planned.before["overall"] + steps == planned.overall


def test_gain_alone_is_that_of_the_night_with_this_action_alone(wide, version, tmp_path):
    at = gain.ground(wide)
    activate = gain.estimate(at, Aim("sales.license_activation", 90))
    before = published(wide)

    carry_out(wide, activate.changes, tmp_path)
    night(version, revision=1)

    after = published(wide)
    assert {id: after[id] for id in activate.after} == activate.after
    assert after["overall"] - before["overall"] == activate.overall
    # More people could work in it, so that those who do are a smaller share: this is said, too.
    assert list(activate.sides) == ["sales.weekly_active_users"]
    assert after["sales.weekly_active_users"] < before["sales.weekly_active_users"]


def test_many_organizations_at_once_agree_with_one(wide, version):
    others = [make_wide(name) for name in ("Wider", "Widest")]
    night(version, revision=1)
    everyone = [wide, *others]
    grounds = [gain.ground(each) for each in everyone]
    aims = [Aim(signal.key, points) for signal in grounds[0].card.signals for points in (50, 80, 100)]
    people = pack.population(Organization.objects.all())
    last = grounds[0].night.watermark
    card = grounds[0].card
    panel = pack.panel(card, people, DAY, watermark=last, places_now=pack.layout())

    found = gain.gains(card, engine.score(card, panel), aims)

    compared = 0
    for row, at in enumerate(grounds):
        for column, one in enumerate(gain.estimates(at, aims)):
            if one.lack == gain.Lack.THERE:
                assert found[row, column] == 0
            elif one.lack in set(gain.Lack):
                assert found[row, column] == gain.NOT_ESTIMABLE
            elif not one.lack and not one.sides and one.reached == pytest.approx(one.aim.points, abs=1e-9):
                assert found[row, column] == one.overall, one.aim
                compared += 1
    assert compared > 60


def test_what_is_not_known_is_said_with_its_reason(version):
    alone = make_organization("Alone", products=["platform"])
    make_observations(alone, {"platform.users": {DAY: 40.0}})
    pack.pack_due()
    night(version)
    at = gain.ground(alone)

    asked = ["sales.license_activation", "platform.page_time_avg", "platform.nothing"]
    lacks = [gain.estimate(at, Aim(key, 80)) for key in asked]

    assert [each.lack for each in lacks] == [
        gain.Lack.NOT_APPLICABLE,
        gain.Lack.NO_FEED,
        gain.Lack.NO_SIGNAL,
    ]
    assert [each.overall for each in lacks] == [None, None, None]


def test_what_must_change_is_said_in_words(wide):
    at = gain.ground(wide)

    activate, load = gain.estimates(
        at, [Aim("sales.license_activation", 80), Aim("platform.page_time_avg", 60)]
    )

    now = int(at.numbers["sales.licenses_activated"][DAY])
    whole = int(at.numbers["sales.licenses_purchased"][DAY])
    then = -(-whole * 80 // 100)
    assert activate.words == [
        f"Activated Sales licenses: {then:,} of {whole:,} instead of {now:,} (+{then - now:,})"
    ]
    assert load.words[0].startswith("Mean page time: at most 2,")
