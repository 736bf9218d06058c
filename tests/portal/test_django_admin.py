"""Django's own admin: a window on scoring's records for administrators with a factor, no second door."""

import pytest
from django.apps import apps
from django.contrib import admin as django_admin
from django.contrib.admin.sites import all_sites
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse

from accounts import sessions
from accounts.models import User
from portal.admin import ASKED, window
from scoring.models import Batch, Quarantine, ScorecardVersion, ScoringRun, Source
from tests.portal.scored import score, text_of

SHOWN = {ScorecardVersion, ScoringRun, Quarantine}
LISTS = [f"/admin/{name}/" for name in ("scorecardversion", "scoringrun", "quarantine")]


@pytest.fixture(autouse=True)
def no_factor_needed(settings):
    settings.STAFF_SECOND_FACTOR = False


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def records(orchard) -> dict[str, object]:
    score(orchard)
    batch = Batch.objects.create(source=Source.objects.create(key="crm"), file_name="leads.csv")
    line = Quarantine.objects.create(
        batch=batch, line=7, reason="not_a_number", field="value", raw="<script>alert('x')</script>,=1+1"
    )
    return {"line": line, "run": ScoringRun.objects.first(), "version": ScorecardVersion.objects.first()}


# ---------- what it holds ----------


def test_three_kinds_of_record_are_shown_and_nothing_else():
    assert set(window._registry) == SHOWN
    assert django_admin.site._registry == {}
    assert {site.name for site in all_sites} <= {"admin"}


def test_nothing_but_looking_is_allowed(ada):
    request = RequestFactory().get("/admin/")
    request.user, request.session = ada, {}

    for model, shown in window._registry.items():
        allowed = {name for name, may in shown.get_model_perms(request).items() if may}
        assert allowed == {"view"}, model
        assert shown.actions is None
        assert shown.get_actions(request) == {}
        assert not shown.list_editable
        assert not shown.inlines


def test_addresses_are_the_list_and_one_record_and_no_others():
    resolver = next(each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "admin")
    names = {name for name in resolver.reverse_dict if isinstance(name, str)}

    expected = {
        f"scoring_{model._meta.model_name}_{what}" for model in SHOWN for what in ("changelist", "change")
    }
    assert names == expected | {"index"}


@pytest.mark.parametrize(
    "place", ["login", "logout", "password_change", "jsi18n", "autocomplete", "auth/user"]
)
def test_doors_of_djangos_own_are_not_there(place, as_ada):
    assert as_ada.get(f"/admin/{place}/").status_code == 404


@pytest.mark.any_database
@pytest.mark.parametrize("place", ["add/", "1/change/", "1/delete/", "1/history/"])
@pytest.mark.parametrize("there", LISTS)
def test_nothing_can_be_added_changed_or_removed(there, place, as_ada, records):
    for method in ("get", "post"):
        assert getattr(as_ada, method)(f"{there}{place}").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_no_page_of_it_takes_anything(method, as_ada, records):
    run = records["run"]

    for there in ["/admin/", *LISTS, f"/admin/scoringrun/{run.pk}/"]:
        data = {"action": "delete_selected", "_selected_action": run.pk, "post": "yes"}
        assert getattr(as_ada, method)(there, data).status_code == 405
    assert ScoringRun.objects.filter(pk=run.pk).exists()


# ---------- who gets in ----------


@pytest.mark.parametrize("who", ["dana", "casey", "lena", "gus", "otto"])
def test_nobody_but_administrators_looks(who, client, request):
    client.force_login(request.getfixturevalue(who))

    assert {client.get(there).status_code for there in ["/admin/", *LISTS]} == {403}


def test_staff_flag_and_djangos_superuser_flag_open_nothing(client, casey):
    casey.is_superuser = True
    casey.save()
    client.force_login(casey)

    assert client.get("/admin/scoringrun/").status_code == 403


def test_visitor_goes_to_our_own_sign_in(client, db):
    assert client.get("/admin/scoringrun/")["Location"] == "/sign-in/?next=/admin/scoringrun/"


@pytest.mark.parametrize("there", ["/admin/", *LISTS])
def test_password_alone_is_not_enough_where_staff_need_a_factor(there, as_ada, settings):
    settings.STAFF_SECOND_FACTOR = True

    response = as_ada.get(there)

    assert (response.status_code, response["Location"]) == (302, "/me/factors/")
    assert "Scoring records" not in text_of(response)


def test_second_factor_in_this_session_opens_it(as_ada, settings):
    settings.STAFF_SECOND_FACTOR = True
    session = as_ada.session
    sessions.show_again(session, is_factor=False)
    session.save()
    assert as_ada.get("/admin/").status_code == 302

    sessions.show_again(session, is_factor=True)
    session.save()

    assert as_ada.get("/admin/").status_code == 200


def test_page_asks_for_the_factor_by_itself(ada, rf, settings):
    """Were the middleware gone that keeps such sessions on the page of the factors."""
    settings.STAFF_SECOND_FACTOR = True
    request = rf.get("/admin/")
    request.user, request.session = ada, SessionStore()

    with pytest.raises(PermissionDenied):
        window.admin_view(window.index)(request)


# ---------- what it shows ----------


def test_administrator_finds_runs_versions_and_refused_lines(as_ada, records):
    assert "Quarantine" in text_of(as_ada.get("/admin/"))
    assert "r0" in text_of(as_ada.get("/admin/scoringrun/"))
    assert records["version"].name in text_of(as_ada.get("/admin/scorecardversion/"))
    page = text_of(as_ada.get("/admin/quarantine/"))
    assert "not_a_number" in page
    assert "crm" in page


def test_one_record_is_shown_in_full_and_inert(as_ada, records):
    page = as_ada.get(f"/admin/quarantine/{records['line'].pk}/").content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;,=1+1" in page
    assert (
        "&quot;customer-success&quot;"
        in as_ada.get(f"/admin/scorecardversion/{records['version'].pk}/").content.decode()
    )
    assert as_ada.get(f"/admin/scoringrun/{records['run'].pk}/").status_code == 200


def test_list_is_searched_and_paged(as_ada, records):
    batch = records["line"].batch
    Quarantine.objects.bulk_create(
        Quarantine(batch=batch, line=number, reason="future_day") for number in range(100, 170)
    )

    first, second = (as_ada.get(f"/admin/quarantine/?p={page}&o=4") for page in (1, 2))
    assert "Next page" in text_of(first)
    assert "Page before" in text_of(second)
    assert "Nothing matches “heron”" in text_of(as_ada.get("/admin/quarantine/?q=heron"))
    assert "future_day" not in text_of(as_ada.get("/admin/quarantine/?q=not_a_number"))


def test_list_asks_as_often_for_many_as_for_few(as_ada, records, django_assert_max_num_queries):
    batch = records["line"].batch
    Quarantine.objects.bulk_create(
        Quarantine(batch=batch, line=number, reason="future_day") for number in range(100, 500)
    )
    as_ada.get("/admin/quarantine/")

    with django_assert_max_num_queries(10):
        as_ada.get("/admin/quarantine/")


@pytest.mark.parametrize(
    "query", ["batch__organization__name=Orchard", "raw__contains=x", "pk=1", "_popup=1"]
)
def test_list_answers_no_question_it_was_not_made_for(query, as_ada, records):
    assert as_ada.get(f"/admin/quarantine/?{query}")["Location"] == "/admin/quarantine/"
    assert {"q", "p", "o", "e"} == ASKED


@pytest.mark.parametrize("query", ["p=900", "p=x", "o=99", "o=x.y", "e=1&p=900"])
def test_odd_page_or_order_breaks_nothing(query, as_ada, records):
    assert as_ada.get(f"/admin/scoringrun/?{query}", follow=True).status_code == 200


def test_pages_hold_nothing_that_a_strict_policy_refuses(as_ada, records):
    pages = ["/admin/", *LISTS, f"/admin/quarantine/{records['line'].pk}/"]

    for there in pages:
        response = as_ada.get(there)
        page = response.content.decode()
        assert "unsafe" not in response["Content-Security-Policy"]
        assert "<style" not in page
        assert " style=" not in page
        assert page.count("<script") == page.count('<script type="module" src=')
        assert "no-store" in response["Cache-Control"]


def test_side_bar_of_administrators_leads_there(as_ada):
    assert reverse("admin:index") in as_ada.get("/manage/settings/").content.decode()
    assert apps.is_installed("django.contrib.admin")
