"""The playbook in the database: published from files, changed by experts, never edited."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Action, AuditEntry
from recommendations import playbook, plays
from recommendations.models import PlaybookVersion
from recommendations.playbook import ChangeRefused, PlayChanged, PlayUnknown
from recommendations.plays import PlaybookInvalid, Standing
from tests.factories import publish_small_card

KEY = "sales-friday-deal-list"
OTHER = "sales-first-forecast"


def written() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=Action.PLAYBOOK_CHANGED).order_by("pk"))


@pytest.fixture
def published(db: None) -> PlaybookVersion:
    return playbook.load()


@pytest.fixture
def newer_files(monkeypatch):
    """Makes this process see files in which a play has another title, and one is gone."""

    def change(key: str, title: str, *, without: str = "") -> None:
        tables = dict(plays.shipped_texts())
        old = playbook.shipped().by_key[key].title
        tables["sales.toml"] = tables["sales.toml"].replace(old, title)
        if without:
            head, *rest = tables["sales.toml"].split("[[play]]")
            kept = [each for each in rest if f'key = "{without}"' not in each]
            tables["sales.toml"] = "[[play]]".join([head, *kept]).replace(
                f'prerequisites = ["{without}"]', ""
            )
        files = plays.read(tables, playbook.shipped_scorecard())
        monkeypatch.setattr(playbook, "shipped", lambda: files)
        monkeypatch.setattr(playbook, "_shipped_digest", lambda: plays.digest_of(tables))

    return change


# ---------- from files ----------


def test_before_anything_was_published_the_plays_of_the_files_are_in_force(db):
    assert playbook.in_force() == playbook.shipped()
    assert playbook.newest() is None
    assert not PlaybookVersion.objects.exists()


def test_the_files_are_published_once(db):
    first = playbook.load()

    assert playbook.load() == first
    assert PlaybookVersion.objects.count() == 1
    assert playbook.in_force() == playbook.shipped()
    assert len(written()) == 1


def test_newer_files_make_a_new_version_and_leave_the_older_one_as_it_was(published, newer_files):
    before = PlaybookVersion.objects.get(number=1).text
    newer_files(KEY, "Another title")

    version = playbook.load()

    assert version.number == 2
    assert playbook.in_force().by_key[KEY].title == "Another title"
    assert PlaybookVersion.objects.get(number=1).text == before


def test_what_an_expert_wrote_stays_when_newer_files_come(published, ada, newer_files):
    playbook.change(KEY, {"title": "Send a list"}, by=ada, reason="Shorter")
    playbook.veto(OTHER, by=ada, reason="Not for our customers")
    newer_files(KEY, "Another title")

    playbook.load()

    found = playbook.in_force()
    assert found.by_key[KEY].title == "Send a list"
    assert found.by_key[OTHER].standing == Standing.VETOED


def test_a_play_that_newer_files_drop_goes_and_nothing_waits_for_it(published, ada, newer_files):
    playbook.change("sales-require-fields-by-stage", {"effort_days": 6}, by=ada, reason="It takes longer")
    newer_files(OTHER, "Another title", without=KEY)

    playbook.load()

    found = playbook.in_force()
    assert KEY not in found.by_key
    assert found.by_key["sales-require-fields-by-stage"].prerequisites == ()


def test_every_version_is_the_digest_of_its_text_and_reads_back(published):
    again = plays.parse(published.text)

    assert again == playbook.shipped()
    assert json.loads(published.text)["play"][0]["key"] == playbook.shipped().plays[0].key


def test_the_command_checks_and_publishes(db):
    out = StringIO()

    call_command("load_playbook", check=True, stdout=out)
    assert not PlaybookVersion.objects.exists()
    call_command("load_playbook", stdout=out)

    assert "82 plays for 48 signals, nothing wrong." in out.getvalue()
    assert "Playbook v1, 82 plays." in out.getvalue()


def test_the_command_says_what_is_wrong_with_the_files(db, monkeypatch):
    def broken() -> None:
        raise PlaybookInvalid([("a.toml.play[1]", "title is missing")])

    monkeypatch.setattr(playbook, "shipped", broken)

    with pytest.raises(CommandError, match=r"a\.toml\.play\[1\]: title is missing"):
        call_command("load_playbook", check=True)


# ---------- by hand ----------


def test_a_change_makes_a_version_with_one_play_different(published, ada):
    version = playbook.change(KEY, {"effort_days": 3, "target": 90}, by=ada, reason="Measured")

    was, now = playbook.playbook_of(published), playbook.playbook_of(version)
    assert version.number == 2
    assert (version.made_by, version.reason) == (ada, "Measured")
    assert [play.key for play in now.plays if play != was.by_key[play.key]] == [KEY]
    assert (now.by_key[KEY].effort_days, now.by_key[KEY].targets) == (3, (90,))
    assert PlaybookVersion.objects.get(number=1).text == plays.write(playbook.shipped())


def test_a_change_is_written_down_with_who_why_and_what(published, ada):
    playbook.change(KEY, {"effort_days": 3}, by=ada, reason="Measured", hat="admin")

    entry = written()[-1]
    assert (entry.actor, entry.hat, entry.reason) == (ada, "admin", "Measured")
    assert (entry.target_type, entry.target_id) == ("play", KEY)
    assert (entry.before, entry.after) == ({"effort_days": "1.5"}, {"effort_days": "3"})


def test_a_change_that_changes_nothing_makes_no_version(published, ada):
    title = playbook.in_force().by_key[KEY].title

    assert playbook.change(KEY, {"title": title}, by=ada, reason="Nothing") == published
    assert len(written()) == 1


def test_a_change_that_cannot_be_is_refused_whole(published, ada):
    with pytest.raises(PlaybookInvalid) as caught:
        playbook.change(KEY, {"title": "Fine", "effort_days": 99}, by=ada, reason="Too much")

    assert dict(caught.value.problems)[f'play "{KEY}".effort_days'] == "must be at most 40, not 99"
    assert playbook.in_force().by_key[KEY].title != "Fine"
    assert PlaybookVersion.objects.count() == 1


def test_a_change_without_a_reason_is_refused(published, ada):
    with pytest.raises(ChangeRefused, match="Say why"):
        playbook.change(KEY, {"effort_days": 3}, by=ada, reason="  ")


def test_a_reason_that_is_too_long_is_refused(published, ada):
    with pytest.raises(ChangeRefused, match="300 characters, not 301"):
        playbook.change(KEY, {"effort_days": 3}, by=ada, reason="x" * 301)


def test_a_play_that_is_not_there_cannot_be_changed(published, ada):
    with pytest.raises(PlayUnknown, match="'nothing'"):
        playbook.change("nothing", {"effort_days": 3}, by=ada, reason="Why not")


def test_a_play_cannot_be_made_to_wait_for_itself_over_another(published, ada):
    with pytest.raises(PlaybookInvalid, match="go in a circle"):
        playbook.change(KEY, {"prerequisites": [OTHER]}, by=ada, reason="Round")


def test_who_was_slower_learns_what_the_other_changed(published, ada, lena):
    playbook.change(KEY, {"effort_days": 3}, by=lena, reason="Measured")

    with pytest.raises(PlayChanged) as caught:
        playbook.change(KEY, {"effort_days": 4}, by=ada, reason="Guessed", seen=1)

    assert str(lena) in str(caught.value)
    assert [(each.field, each.after) for each in caught.value.differences] == [("effort_days", "3")]
    assert playbook.in_force().by_key[KEY].effort_days == 3


def test_changes_of_two_plays_do_not_stand_in_each_others_way(published, ada, lena):
    playbook.change(OTHER, {"effort_days": 4}, by=lena, reason="Measured")
    playbook.change(KEY, {"effort_days": 3}, by=ada, reason="Measured", seen=1)

    found = playbook.in_force().by_key
    assert (found[OTHER].effort_days, found[KEY].effort_days) == (4, 3)


def test_a_version_that_never_was_cannot_have_been_seen(published, ada):
    with pytest.raises(ChangeRefused, match="no version 99"):
        playbook.change(KEY, {"effort_days": 3}, by=ada, reason="Measured", seen=99)


def test_a_change_before_anything_was_published_publishes_the_files_first(ada):
    playbook.change(KEY, {"effort_days": 3}, by=ada, reason="Measured")

    assert [each.number for each in PlaybookVersion.objects.all()] == [1, 2]


@pytest.mark.parametrize(
    ("order", "standing"),
    [(playbook.pin, Standing.PINNED), (playbook.veto, Standing.VETOED)],
)
def test_an_order_holds_until_it_is_released_and_each_is_written_down(published, ada, order, standing):
    order(KEY, by=ada, reason="Because")
    assert playbook.in_force().by_key[KEY].standing == standing

    playbook.release(KEY, by=ada, reason="No longer")

    assert playbook.in_force().by_key[KEY].standing == Standing.FREE
    assert [entry.after.get("standing") for entry in written()[1:]] == [standing.value, ""]
    assert not playbook.in_force().by_key[KEY].by_hand  # newer files may still bring a better text


def test_the_history_of_a_play_is_what_became_different_in_it(published, ada):
    playbook.change(KEY, {"effort_days": 3}, by=ada, reason="Measured")
    playbook.change(OTHER, {"effort_days": 4}, by=ada, reason="Something else")
    playbook.pin(KEY, by=ada, reason="It works")

    edits = playbook.history(KEY)

    assert [(each.number, each.reason) for each in edits] == [
        (4, "It works"),
        (2, "Measured"),
        (1, "Files of this release"),
    ]
    assert [(each.field, each.before, each.after) for each in edits[1].differences] == [
        ("effort_days", "1.5", "3")
    ]


def test_the_playbook_in_force_costs_one_small_question(published, django_assert_num_queries):
    playbook.in_force()

    with django_assert_num_queries(1):
        playbook.in_force()


def test_a_play_of_a_signal_that_left_the_scorecard_can_still_be_changed(published, ada):
    publish_small_card()  # it has no such signal

    playbook.change(KEY, {"effort_days": 3}, by=ada, reason="Measured")

    assert playbook.in_force().by_key[KEY].effort_days == 3
