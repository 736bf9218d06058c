"""Notes beside the score, through the pages: who may write, who may only read, who learns nothing."""

import pytest

from accounts import notes
from accounts.models import User
from tests.portal.scored import YESTERDAY, score, text_of

TRENDS = "/o/orchard/trends/"
WRITE = f"{TRENDS}notes/"


@pytest.fixture
def scored(orchard):
    score(orchard)
    return orchard


@pytest.fixture
def note(scored, dana):
    return notes.write(scored, YESTERDAY, "Moved to a new <b>warehouse</b>", by=dana)


def address(note) -> str:
    return f"{WRITE}{note.public_id}/"


def fields(text="Swarming turned on", day=YESTERDAY):
    return {"day": f"{day}", "text": text}


@pytest.mark.parametrize("who", ["dana", "tara"])
def test_those_who_may_write_do_and_read_it_back(client, scored, who, request):
    client.force_login(request.getfixturevalue(who))

    response = client.post(WRITE, fields(), follow=True)

    page = text_of(response)
    assert "is kept" in page
    assert f"Swarming turned on Note, by {request.getfixturevalue(who)}" in page


@pytest.mark.parametrize("who", ["vera", "pat", "casey", "ada"])
def test_who_only_reads_sees_the_note_and_no_way_to_change_it(client, note, who, request, settings):
    settings.STAFF_SECOND_FACTOR = False
    client.force_login(request.getfixturevalue(who))

    page = client.get(TRENDS).content.decode()

    assert "Moved to a new &lt;b&gt;warehouse&lt;/b&gt;" in page
    assert WRITE not in page
    assert "Add a note" not in page
    for target in (WRITE, address(note), f"{address(note)}delete/"):
        assert client.post(target, fields("Taken over")).status_code == 403
    assert [each.text for each in notes.between(note.organization, YESTERDAY, YESTERDAY)] == [note.text]


def test_stranger_cannot_tell_a_note_from_nothing(client, note, hal):
    client.force_login(hal)

    for target in (WRITE, address(note), f"{address(note)}delete/"):
        foreign = client.post(target, fields())
        unknown = client.post(target.replace("orchard", "nowhere"), fields())
        own = client.post(target.replace("orchard", "harbor"), fields()) if target != WRITE else unknown
        assert foreign.status_code == unknown.status_code == own.status_code == 404
        assert text_of(foreign) == text_of(unknown)
    note.refresh_from_db()
    assert note.text.startswith("Moved")


def test_note_is_changed_and_deleted(client, note, tara):
    client.force_login(tara)

    form = client.get(address(note)).content.decode()
    changed = client.post(address(note), fields("Moved back"), follow=True)
    deleted = client.post(f"{address(note)}delete/", follow=True)

    assert f'value="{YESTERDAY}"' in form
    assert "Moved back Note, by Tara" in text_of(changed)
    assert "is deleted" in text_of(deleted)
    assert "Moved back" not in text_of(deleted)
    assert not note.organization.notes.exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"day": "soon", "text": "x"}, "“soon” is not a day"),
        ({"day": "2999-01-01", "text": "x"}, "A note is about a day from"),
        ({"day": "2026-01-01", "text": "x" * 201}, "at most 200 characters"),
        ({"text": "x"}, "Say on which day it happened."),
        ({"day": "2026-01-01", "text": "x", "written_by": "1"}, "“written_by” is not a field of this form."),
    ],
    ids=["no day", "a day to come", "too long", "without a day", "a field of its own"],
)
def test_what_cannot_be_kept_is_said_beside_the_form(client, scored, dana, given, says):
    client.force_login(dana)

    response = client.post(WRITE, given)

    assert response.status_code == 422
    assert says in text_of(response)
    assert not scored.notes.exists()


def test_score_that_is_closed_closes_the_notes_with_it(client, note, dana):
    client.force_login(dana)
    note.organization.plan_intervals.update(plan="premier")

    assert client.post(WRITE, fields()).status_code == 403
    assert client.get(address(note)).status_code == 403

    note.organization.plan_intervals.update(plan="signature")
    User.objects.update(language="de")
    assert client.post(WRITE, fields()).status_code == 403
    assert note.organization.notes.count() == 1


def test_activity_tells_of_notes_without_their_words(client, note, dana):
    client.force_login(dana)
    client.post(f"{address(note)}delete/")

    page = text_of(client.get("/o/orchard/activity/"))

    assert f"Wrote a note on {YESTERDAY}" in page
    assert f"Deleted the note on {YESTERDAY}" in page
    assert "warehouse" not in page
