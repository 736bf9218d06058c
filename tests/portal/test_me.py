"""A person's own settings, and the score in English for one visit."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import User
from accounts.preferences import PreferenceRefused, first_language, set_preferences
from portal.middleware import zone_of
from tests.factories import PASSWORD
from tests.portal.scored import score, text_of


@pytest.fixture
def german(client, dana):
    """Dana, whose language is German."""
    User.objects.filter(pk=dana.pk).update(language="de")
    client.force_login(dana)
    return client


def test_german_speaker_reads_that_the_score_is_in_english(german, orchard):
    response = german.get("/o/orchard/")
    page = response.content.decode()

    assert response.status_code == 403
    assert "The score is available in English only" in text_of(response)
    assert 'Your language is set to <span lang="de">Deutsch</span>.' in page
    assert '<a class="btn btn--quiet" href="/me/" lang="de">Sprache ändern</a>' in page


def test_german_speaker_views_the_score_for_this_visit_and_the_setting_stays(german, dana, orchard):
    score(orchard)

    response = german.post("/me/in-english/", {"next": "/o/orchard/?period=90"})

    assert response.url == "/o/orchard/?period=90"
    assert german.get("/o/orchard/").status_code == 200
    assert german.get("/api/v1/organizations/orchard/score/").status_code == 200
    assert User.objects.get(pk=dana.pk).language == "de"


def test_visit_ends_with_the_session(german, dana, orchard):
    german.post("/me/in-english/")
    german.post("/sign-out/")
    german.force_login(dana)

    assert german.get("/o/orchard/").status_code == 403


def test_other_people_are_not_switched(german, vera, orchard):
    User.objects.update(language="de")
    german.post("/me/in-english/")
    other = Client()
    other.force_login(vera)

    assert other.get("/o/orchard/").status_code == 403


@pytest.mark.parametrize("there", ["https://elsewhere.example/", "//elsewhere.example", "javascript:x", ""])
def test_view_in_english_leads_nowhere_else(german, there):
    assert german.post("/me/in-english/", {"next": there}).url == "/"


def test_looking_at_the_button_does_not_press_it(german, orchard):
    assert german.get("/me/in-english/").status_code == 405
    assert german.get("/o/orchard/").status_code == 403


def test_conditions_page_says_that_this_visit_is_in_english(german, orchard):
    german.post("/me/in-english/")

    page = text_of(german.get("/o/orchard/access/"))

    assert "Your language is Deutsch; you view the score in English for this visit." in page


def test_person_changes_name_language_and_time_zone(german, dana, orchard):
    response = german.post(
        "/me/", {"name": " Dana Reyes ", "language": "en", "time_zone": "Asia/Kathmandu"}, follow=True
    )

    assert "Saved." in text_of(response)
    found = User.objects.get(pk=dana.pk)
    assert (found.name, found.language, found.time_zone) == ("Dana Reyes", "en", "Asia/Kathmandu")


@pytest.mark.parametrize(
    ("field", "value"), [("name", " "), ("language", "xx"), ("time_zone", "Moon/Base"), ("name", "x" * 121)]
)
def test_setting_that_cannot_be_is_named_at_its_field_and_nothing_is_kept(german, dana, field, value):
    given = {"name": "New", "language": "en", "time_zone": "UTC"} | {field: value}

    response = german.post("/me/", given)

    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    assert User.objects.get(pk=dana.pk).name == "Dana"


def test_settings_take_nothing_else(german, dana):
    given = {"name": "Dana", "language": "en", "time_zone": "UTC"}

    german.post("/me/", given | {"is_admin": "on", "is_auditor": "on", "email": "ada@vendor.example"})

    found = User.objects.get(pk=dana.pk)
    assert (found.is_admin, found.is_auditor, found.email) == (False, False, "dana@orchard.example")


@pytest.mark.parametrize(
    "given", [{"language": "xx", "time_zone": "UTC"}, {"language": "en", "time_zone": "x"}]
)
def test_story_refuses_what_is_not_known(dana, given):
    with pytest.raises(PreferenceRefused):
        set_preferences(dana, name="Dana", **given)


def test_times_are_in_the_time_zone_of_the_reader(german, dana, orchard):
    User.objects.filter(pk=dana.pk).update(time_zone="Asia/Tokyo")
    orchard.plan_intervals.update(ends_at=datetime(2026, 9, 30, 20, tzinfo=UTC))

    assert "The Signature plan ended on 1 Oct 2026, 05:00 JST" in text_of(german.get("/o/orchard/plan/"))


def test_time_zone_that_is_gone_counts_as_utc():
    assert zone_of("Moon/Base") is UTC
    assert zone_of("../etc/passwd") is UTC


# ---------- the first sign-in ----------


def sign_in(client, header):
    fields = {"login": "dana@orchard.example", "password": PASSWORD}
    client.post("/sign-in/", fields, headers={"accept-language": header} if header else {})


def test_first_sign_in_learns_the_language_of_the_browser(client, dana):
    sign_in(client, "de-AT,de;q=0.9,en;q=0.8")

    assert User.objects.get(pk=dana.pk).language == "de"


def test_language_that_is_set_stays(client, dana):
    User.objects.filter(pk=dana.pk).update(language="fr")

    sign_in(client, "de")

    assert User.objects.get(pk=dana.pk).language == "fr"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("xx,zz;q=0.5", "en"),
        ("pt-BR,pt;q=0.9", "pt-br"),
        ("EN-GB", "en-gb"),
        ("en;q=0.5,fr;q=0.9", "fr"),
        ("\x00;;;=,,", "en"),
        ("de," * 5000, "de"),
    ],
)
def test_first_language_of_a_browser(header, language):
    assert first_language(header) == language
