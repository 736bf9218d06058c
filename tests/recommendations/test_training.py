"""What the night learns from completed plays, and what of it anybody may be told."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.core.management import call_command

from accounts.models import Organization
from recommendations import evidence, playbook, training
from recommendations.models import RankerVersion, RecommendationChange
from scoring import cards, publish, sheets
from scoring.models import Pointer, ScoreSheet, ScoringRun
from tests.factories import make_organization, make_recommendation, publish_small_card

CLOSES = [date(2025, month, 1) - timedelta(days=1) for month in range(2, 13)]
DONE_ON = date(2025, 5, 12)  # after the close of April, the fourth
LAST = CLOSES[-1]


def sheet(card, points):
    """The packed sheet of an organization all of whose signals have these points."""
    top, middle, leaf = sheets.columns(card)
    leaves = np.zeros(len(leaf), sheets.LEAF)
    leaves["points"] = round(100 * points)
    return (
        np.zeros(len(top), sheets.TOP).tobytes()
        + np.zeros(len(middle), sheets.MIDDLE).tobytes()
        + leaves.tobytes()
    )


@pytest.fixture
def play():
    return playbook.in_force().plays[0]


@pytest.fixture
def learned_from(db, play):
    """Eleven organizations did the play and nine rose by 20 points for good; 30 did nothing."""
    version = publish_small_card(cards.SHIPPED.read_text(encoding="utf-8"))
    card = publish.card_of(version)
    organizations = [make_organization(f"Customer {at}", industry="Retail", seats=100) for at in range(41)]
    for close in CLOSES:
        run = ScoringRun.objects.create(version=version, day=close, revision=1, watermark=0)
        Pointer.objects.create(version=version, day=close, run=run)
        for at, organization in enumerate(organizations):
            rose = 20 if at < 9 and close > DONE_ON else 0
            nodes = sheet(card, 40 + at % 7 + rose)
            ScoreSheet.objects.create(
                organization=organization,
                version=version,
                day=close,
                revision=1,
                points=4000,
                coverage=10_000,
                state=0,
                nodes=nodes,
            )
    for organization in organizations[:11]:
        advice = make_recommendation(organization, play=play.key)
        RecommendationChange.objects.create(
            organization=organization,
            recommendation=advice,
            what="moved",
            before="in_progress",
            after="complete",
            at=datetime(2025, 5, 12, tzinfo=UTC),
            day=DONE_ON,
        )
    return organizations


def test_nine_of_eleven_kept_the_gain(learned_from, play):
    training.retrain_due(LAST)

    assert str(evidence.evidence(play.key)) == "9 of 11 organizations kept the gain after 90 days"


def test_a_close_is_learned_from_once(learned_from):
    assert training.retrain_due(LAST) is not None
    assert training.retrain_due(LAST) is None
    assert training.train(LAST) is None
    assert RankerVersion.objects.count() == 1


def test_success_manager_reads_what_was_learned(client, casey, learned_from, play):
    client.force_login(casey)
    assert "Nothing was learned yet" in client.get("/manage/ranker/").content.decode()

    training.train(LAST)

    page = client.get("/manage/ranker/").content.decode()
    assert play.title in page
    assert "9 of 11 organizations kept the gain after 90 days." in page
    assert "Customer 0" not in page


def test_numbers_name_no_organization(learned_from):
    version = training.train(LAST)

    told = f"{version.numbers} {version.card}"
    assert not any(organization.name in told for organization in learned_from)


def test_nine_completions_tell_nothing(learned_from, play):
    RecommendationChange.objects.filter(organization__in=learned_from[9:11]).delete()

    training.train(LAST)

    assert evidence.evidence(play.key) is None


def test_who_does_not_contribute_is_not_learned_from(learned_from):
    Organization.objects.filter(pk=learned_from[0].pk).update(contributes=False)

    assert training.train(LAST).card["completions"] == 10


def test_learned_chance_takes_the_place_of_the_playbooks(learned_from, play):
    segment = evidence.segment_of("Retail", 100)
    assert evidence.probability_of(None, play, segment) == play.prior.mean

    version = training.train(LAST)

    assert evidence.probability_of(version, play, segment) > play.prior.mean
    points, promised = np.array([[60.0]]), np.array([[40.0]])
    share = evidence.shares(version, [play], [segment], points, promised)
    half = evidence.shares(version, [play], [segment], points, promised / 2)
    assert 0 < share[0, 0] <= 1
    # Whoever promises less keeps a greater share of it: what is to be expected is the same.
    assert half[0, 0] == pytest.approx(min(1, 2 * share[0, 0]))


def test_without_outcomes_there_is_no_version(db, capsys):
    call_command("train_ranker")

    assert "Nothing to learn" in capsys.readouterr().out
    assert training.retrain_due(LAST) is None
    assert not RankerVersion.objects.exists()
