"""What people do with a recommendation: every move is allowed, written down, and nobody's edit is lost."""

from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.db import connection

from accounts.models import AuditEntry, Role
from recommendations import lifecycle
from recommendations.lifecycle import EditedMeanwhile, FieldRefused, MoveRefused, NotTheirs, Status
from recommendations.models import Favorite, Recommendation, RecommendationChange
from scoring.models import ScoreSheet
from tests.factories import make_membership, make_recommendation, make_user

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
WHY = {Status.ARCHIVED: "Not this year."}


@pytest.fixture
def advice(orchard):
    """To Orchard: book a second coaching session."""
    return make_recommendation(orchard)


def put(advice, status, by, **told):
    """The recommendation in this status, on a way that is allowed."""
    if status == Status.NEW:
        return advice
    return go(advice, status, by, **told)


def go(advice, to, by, **told):
    told = {"hat": Role.CONTACT, "at": NOW, "reason": WHY.get(to, "")} | told
    return lifecycle.move(advice, to, by=by, **told)


def told(advice):
    return list(advice.changes.values_list("what", "before", "after"))


# ---------- moves ----------


def test_started_recommendation_says_who_when_and_what_it_promised(advice, dana):
    go(advice, Status.IN_PROGRESS, dana, note="Booked for Monday.")

    advice.refresh_from_db()
    assert (advice.status, advice.status_by, advice.status_at) == ("in_progress", dana, NOW)
    assert (advice.started_on, advice.points_before, advice.promised) == (TODAY, 5000, 120)
    change = advice.changes.get()
    assert (change.before, change.after, change.note) == ("new", "in_progress", "Booked for Monday.")
    assert (change.by, change.hat, change.day) == (dana, "contact", TODAY)


@pytest.mark.parametrize("before", Status.values)
@pytest.mark.parametrize("to", Status.values)
def test_only_moves_of_the_table_are_made(advice, dana, before, to):
    put(advice, before, dana)
    count = advice.changes.count()

    if to == before or to in lifecycle.MOVES[before]:
        go(advice, to, dana)
        advice.refresh_from_db()
        assert advice.status == to
        assert advice.changes.count() == count + (to != before)
    else:
        with pytest.raises(MoveRefused) as refused:
            go(advice, to, dana)
        advice.refresh_from_db()
        assert (refused.value.before, refused.value.to) == (before, to)
        assert advice.status == before
        assert advice.changes.count() == count


def test_refused_move_says_what_is_possible_instead(advice, dana):
    go(advice, Status.ARCHIVED, dana)

    with pytest.raises(
        MoveRefused, match="Archived cannot become Complete; it can become New or In Progress"
    ):
        go(advice, Status.COMPLETE, dana)


def test_archiving_needs_a_reason_and_keeps_it_until_it_is_back(advice, dana):
    with pytest.raises(FieldRefused) as refused:
        go(advice, Status.ARCHIVED, dana, reason="  ")
    assert refused.value.field == "reason"

    go(advice, Status.ARCHIVED, dana, reason="We have another plan.")
    advice.refresh_from_db()
    assert advice.archived_reason == "We have another plan."
    assert advice.changes.get().note == "We have another plan."

    go(advice, Status.NEW, dana)
    advice.refresh_from_db()
    assert advice.archived_reason == ""


def test_unknown_status_is_named(advice, dana):
    with pytest.raises(FieldRefused, match=r"“done” is no status\. Choose one of new, in_progress"):
        go(advice, "done", dana)

    assert not advice.changes.exists()


def test_moving_to_where_it_is_changes_nothing(advice, dana, vera):
    go(advice, Status.IN_PROGRESS, dana)

    go(advice, Status.IN_PROGRESS, vera, note="Again", edition=1, at=NOW + timedelta(hours=1))

    advice.refresh_from_db()
    assert (advice.status_by, advice.edition) == (dana, 2)
    assert advice.changes.count() == 1
    assert AuditEntry.objects.filter(action="recommendation_changed").count() == 1


def test_each_move_stands_in_the_audit_log_with_the_hat(advice, casey):
    go(advice, Status.IN_PROGRESS, casey, hat=Role.CSM)

    entry = AuditEntry.objects.get(action="recommendation_changed")
    assert (entry.actor, entry.hat, entry.organization) == (casey, "csm", advice.organization)
    assert (entry.before, entry.after) == ({"moved": "new"}, {"moved": "in_progress"})
    assert (entry.target_type, entry.target_id) == ("recommendation", str(advice.pk))


def test_note_that_cannot_be_kept_keeps_the_status(advice, dana):
    with pytest.raises(FieldRefused) as refused:
        go(advice, Status.IN_PROGRESS, dana, note="x" * 1001)

    advice.refresh_from_db()
    assert (refused.value.field, advice.status) == ("note", "new")


def test_completing_at_once_counts_as_work_of_that_day(advice, dana):
    go(advice, Status.COMPLETE, dana)

    advice.refresh_from_db()
    assert (advice.started_on, advice.completed_on, advice.completed_by) == (TODAY, TODAY, dana)
    assert (advice.points_before, advice.promised) == (5000, 120)


def test_reopened_work_keeps_the_day_it_began(advice, dana):
    go(advice, Status.IN_PROGRESS, dana)
    go(advice, Status.COMPLETE, dana, at=NOW + timedelta(days=3))
    Recommendation.objects.filter(pk=advice.pk).update(verified_on=TODAY, nights_held=7, counted_on=TODAY)

    go(advice, Status.IN_PROGRESS, dana, at=NOW + timedelta(days=4))

    advice.refresh_from_db()
    assert (advice.started_on, advice.points_before) == (TODAY, 5000)
    assert (advice.completed_on, advice.completed_by, advice.verified_on) == (None, None, None)
    assert (advice.nights_held, advice.counted_on) == (0, None)


def test_begun_anew_after_the_archive_is_measured_from_then(advice, dana):
    go(advice, Status.IN_PROGRESS, dana)
    go(advice, Status.ARCHIVED, dana)
    Recommendation.objects.filter(pk=advice.pk).update(points=2500, gain=90)

    go(advice, Status.IN_PROGRESS, dana, at=NOW + timedelta(days=30))

    advice.refresh_from_db()
    assert (advice.started_on, advice.points_before) == (TODAY + timedelta(days=30), 2500)


def test_completing_moves_no_score(advice, dana):
    ScoreSheet.objects.create(
        organization=advice.organization,
        version_id=1,
        day=TODAY,
        points=6812,
        coverage=100,
        state=0,
        nodes=b"",
    )
    before = list(ScoreSheet.objects.values())

    go(advice, Status.COMPLETE, dana)

    assert list(ScoreSheet.objects.values()) == before


# ---------- whose it is to mark ----------


def test_training_administrator_marks_what_is_about_expertise(advice, tara):
    go(advice, Status.IN_PROGRESS, tara, hat=Role.TRAINING_ADMIN)

    advice.refresh_from_db()
    assert advice.status_by == tara


def test_training_administrator_marks_nothing_else(orchard, tara):
    other = make_recommendation(orchard, signal="platform.alerting_configured", category="technical-health")
    marks = [
        lambda: go(other, Status.IN_PROGRESS, tara, hat=Role.TRAINING_ADMIN),
        lambda: lifecycle.note(other, "Hello", by=tara, hat=Role.TRAINING_ADMIN),
        lambda: lifecycle.give_owner(other, tara, by=tara, hat=Role.TRAINING_ADMIN),
        lambda: lifecycle.set_due(other, TODAY, by=tara, hat=Role.TRAINING_ADMIN, at=NOW),
        lambda: lifecycle.set_tags(other, ["mine"], by=tara, hat=Role.TRAINING_ADMIN),
    ]

    for mark in marks:
        with pytest.raises(NotTheirs, match="only what is about customer expertise"):
            mark()

    assert not other.changes.exists()
    assert not lifecycle.may_mark(other, Role.TRAINING_ADMIN)


# ---------- two at once ----------


def test_second_editor_is_told_what_the_first_changed(advice, dana, casey):
    seen = advice.edition
    mine, theirs = (Recommendation.objects.get(pk=advice.pk) for _ in range(2))
    go(mine, Status.IN_PROGRESS, dana, edition=seen)

    with pytest.raises(EditedMeanwhile) as quicker:
        go(theirs, Status.ARCHIVED, casey, hat=Role.CSM, edition=seen)

    assert str(quicker.value) == "Dana moved it from New to In Progress on 2026-11-22 09:30 UTC."
    advice.refresh_from_db()
    assert (advice.status, advice.changes.count()) == ("in_progress", 1)


def test_editor_is_told_all_that_was_not_seen_oldest_first(advice, dana, casey):
    seen = advice.edition
    lifecycle.note(advice, "Please wait.", by=casey, hat=Role.CSM, at=NOW)
    lifecycle.set_due(advice, TODAY + timedelta(days=9), by=casey, hat=Role.CSM, at=NOW)

    with pytest.raises(EditedMeanwhile, match=r"wrote a note .* set the due date to 2026-12-01"):
        go(advice, Status.COMPLETE, dana, edition=seen)


def test_edit_of_what_was_seen_goes_through(advice, dana, casey):
    lifecycle.note(advice, "Please wait.", by=casey, hat=Role.CSM, at=NOW)

    go(advice, Status.COMPLETE, dana, edition=advice.edition)

    advice.refresh_from_db()
    assert advice.status == "complete"


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_the_same_moment_one_moves_and_the_other_is_told(orchard, dana, casey):
    advice = make_recommendation(orchard)
    at_once, answers = Barrier(2), []

    def act(to, by):
        mine = Recommendation.objects.get(pk=advice.pk)
        at_once.wait(10)
        try:
            go(mine, to, by, edition=1)
            answers.append("moved")
        except EditedMeanwhile:
            answers.append("told")
        finally:
            connection.close()

    both = [
        Thread(target=act, args=(Status.COMPLETE, dana)),
        Thread(target=act, args=(Status.IN_PROGRESS, casey)),
    ]
    for one in both:
        one.start()
    for one in both:
        one.join(20)

    advice.refresh_from_db()
    assert sorted(answers) == ["moved", "told"]
    assert (advice.edition, advice.changes.count()) == (2, 1)


# ---------- many at once ----------


def test_bulk_move_does_what_it_can_and_says_what_it_could_not(orchard, harbor, dana):
    first, second = make_recommendation(orchard, title="First"), make_recommendation(orchard, title="Second")
    go(second, Status.ARCHIVED, dana)
    foreign, nobodys = make_recommendation(harbor), uuid4()

    moved = lifecycle.bulk_move(
        orchard,
        [first.public_id, second.public_id, foreign.public_id, nobodys],
        Status.COMPLETE,
        by=dana,
        hat=Role.CONTACT,
        at=NOW,
    )

    assert [each.title for each in moved.done] == ["First"]
    assert [title for title, _ in moved.refused] == ["Second", str(foreign.public_id), str(nobodys)]
    assert moved.refused[1][1] == moved.refused[2][1]
    foreign.refresh_from_db()
    assert foreign.status == "new"


def test_bulk_archive_without_a_reason_archives_nothing(orchard, dana):
    some = [make_recommendation(orchard).public_id for _ in range(2)]

    with pytest.raises(FieldRefused) as refused:
        lifecycle.bulk_move(orchard, some, Status.ARCHIVED, by=dana, hat=Role.CONTACT)

    assert refused.value.field == "reason"
    assert not RecommendationChange.objects.exists()


def test_too_many_at_once_are_refused_with_their_number(orchard, dana):
    with pytest.raises(FieldRefused, match="201 are too many"):
        lifecycle.bulk_move(
            orchard, [uuid4() for _ in range(201)], Status.COMPLETE, by=dana, hat=Role.CONTACT
        )


# ---------- owner, due date, tags, note, star ----------


@pytest.mark.parametrize("who", ["dana", "vera", "casey", "gus"])
def test_owner_is_one_who_has_access(advice, dana, who, request):
    person = request.getfixturevalue(who)

    lifecycle.give_owner(advice, person.pk, by=dana, hat=Role.CONTACT, at=NOW)

    advice.refresh_from_db()
    assert advice.owner == person
    assert told(advice) == [("owner", "", str(person))]


@pytest.mark.parametrize("who", ["hal", "frank", "ada"])
def test_owner_without_access_is_refused_like_nobody(advice, dana, who, request):
    person = request.getfixturevalue(who)

    with pytest.raises(FieldRefused) as refused:
        lifecycle.give_owner(advice, person.pk, by=dana, hat=Role.CONTACT, at=NOW)
    with pytest.raises(FieldRefused) as nobody:
        lifecycle.give_owner(advice, 10**9, by=dana, hat=Role.CONTACT, at=NOW)

    assert (refused.value.field, str(refused.value)) == ("owner", str(nobody.value))
    advice.refresh_from_db()
    assert advice.owner is None


def test_deactivated_colleague_owns_nothing_new(advice, dana, orchard):
    left = make_user("left@orchard.example", is_active=False)
    make_membership(left, orchard, Role.CONTACT)

    with pytest.raises(FieldRefused):
        lifecycle.give_owner(advice, left, by=dana, hat=Role.CONTACT, at=NOW)


def test_due_date_of_yesterday_is_refused_with_the_day(advice, dana):
    with pytest.raises(FieldRefused, match=r"2026-11-21 is over\. Choose 2026-11-22 or a later day"):
        lifecycle.set_due(advice, TODAY - timedelta(days=1), by=dana, hat=Role.CONTACT, at=NOW)

    lifecycle.set_due(advice, TODAY, by=dana, hat=Role.CONTACT, at=NOW)
    assert told(advice) == [("due", "", "2026-11-22")]


def test_due_date_of_another_century_is_refused(advice, dana):
    with pytest.raises(FieldRefused, match="more than ten years away"):
        lifecycle.set_due(advice, date(2126, 1, 1), by=dana, hat=Role.CONTACT, at=NOW)


def test_tags_are_kept_once_whatever_their_case(advice, dana):
    lifecycle.set_tags(advice, ["Q1", "q1", " spring  release "], by=dana, hat=Role.CONTACT, at=NOW)

    advice.refresh_from_db()
    assert advice.tags == ["Q1", "spring release"]


@pytest.mark.parametrize(
    ("tags", "says"), [([f"t{n}" for n in range(11)], "11 tags are too many"), (["x" * 31], "is too long")]
)
def test_too_many_or_too_long_tags_are_refused(advice, dana, tags, says):
    with pytest.raises(FieldRefused, match=says) as refused:
        lifecycle.set_tags(advice, tags, by=dana, hat=Role.CONTACT)

    assert refused.value.field == "tags"
    assert not advice.changes.exists()


def test_empty_note_is_refused(advice, dana):
    with pytest.raises(FieldRefused, match="Write what others should know"):
        lifecycle.note(advice, " \n ", by=dana, hat=Role.CONTACT)


def test_star_is_of_one_person_and_of_no_status(advice, dana, vera):
    lifecycle.favorite(advice, True, by=dana)
    lifecycle.favorite(advice, True, by=dana)
    lifecycle.favorite(advice, True, by=vera)
    go(advice, Status.ARCHIVED, dana)

    lifecycle.favorite(advice, False, by=vera)

    assert list(Favorite.objects.values_list("user", flat=True)) == [dana.pk]
    advice.refresh_from_db()
    assert advice.edition == 2
