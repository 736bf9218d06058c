"""An administrator sees the portal as somebody of a customer: for a reason, read-only, for half an hour, and
the customer can read that they did."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import impersonation
from accounts.models import Action, AuditEntry, Membership, Result, Role, User
from tests.factories import PASSWORD, as_if_earlier, make_membership, make_user
from tests.portal.scored import score, text_of
from tests.test_doors import DOORS

REASON = "Ticket 4711: her trend looks empty"


def enter(user: User) -> Client:
    """Somebody who has signed in and has just shown again who they are."""
    client = Client()
    client.post("/sign-in/", {"login": user.email, "password": PASSWORD})
    client.post("/sign-in/again/", {"password": PASSWORD})
    return client


@pytest.fixture
def as_ada(ada: User) -> Client:
    return enter(ada)


def begin(client: Client, person: User, slug: str = "orchard", reason: str = REASON):
    return client.post(f"/o/{slug}/impersonate/", {"person": person.pk, "reason": reason})


@pytest.fixture
def seeing(as_ada: Client, dana: User) -> Client:
    """Ada, who sees the portal as Dana."""
    assert begin(as_ada, dana).status_code == 302
    return as_ada


def entries(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("pk"))


# ---------- beginning ----------


def test_page_lists_the_customers_own_people_and_nobody_of_ours(as_ada, dana, tara, frank, casey, gus, hal):
    page = text_of(as_ada.get("/o/orchard/impersonate/"))

    assert "dana@orchard.example" in page
    assert "tara@orchard.example" in page
    assert not [who for who in ("frank", "casey", "gus", "hal") if f"{who}@" in page]


def test_list_is_searched_and_paged_with_few_queries(as_ada, orchard, dana, django_assert_max_num_queries):
    for number in range(60):
        make_membership(make_user(f"p{number:02}@orchard.example", name=f"Person {number:02}"), orchard)

    with django_assert_max_num_queries(20):
        page = text_of(as_ada.get("/o/orchard/impersonate/?page=2"))
    assert "26 to 50 of 61" in page
    assert "Person 07" not in text_of(as_ada.get("/o/orchard/impersonate/?q=dana"))
    assert "Person 07" in text_of(as_ada.get("/o/orchard/impersonate/?q=person+07"))
    assert "Nobody matches “heron”" in text_of(as_ada.get("/o/orchard/impersonate/?q=heron"))


def test_organization_without_people_says_so(as_ada, orchard):
    assert "Nobody of Orchard has access" in text_of(as_ada.get("/o/orchard/impersonate/"))


def test_chosen_person_is_asked_about_by_name(as_ada, dana):
    assert "See as Dana" in text_of(as_ada.get(f"/o/orchard/impersonate/?person={dana.pk}"))


def test_administrator_sees_what_the_customer_sees(seeing, dana):
    page = text_of(seeing.get("/o/orchard/plan/"))

    assert "My Success Plan" in page
    assert "Ada, you see the portal as Dana of Orchard" in page
    assert "Designated contact" in page
    assert "Administrator" not in page


def test_start_page_leads_to_the_customers(seeing):
    assert seeing.get("/")["Location"] == "/o/orchard/plan/"


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_nobody_is_seen_without_a_reason(reason, as_ada, dana):
    page = text_of(begin(as_ada, dana, reason=reason))

    assert "Say why" in page
    assert not entries(Action.IMPERSONATION_STARTED)


@pytest.mark.parametrize("who", ["casey", "gus", "otto", "frank", "hal", "ada"])
def test_only_the_customers_own_people_can_be_seen(who, as_ada, dana, request):
    response = begin(as_ada, request.getfixturevalue(who))

    assert response.status_code == 200
    assert "has the number" in text_of(response)
    assert not entries(Action.IMPERSONATION_STARTED)


def test_member_of_ours_who_is_also_a_contact_cannot_be_seen(as_ada, orchard, casey):
    make_membership(casey, orchard, Role.VIEWER)

    assert begin(as_ada, casey).status_code == 200


@pytest.mark.parametrize("who", ["dana", "casey", "lena", "gus", "otto"])
def test_nobody_but_an_administrator_begins(who, dana, request):
    client = enter(request.getfixturevalue(who))

    assert begin(client, dana).status_code == 403
    assert not entries(Action.IMPERSONATION_STARTED)


def test_beginning_asks_again_who_is_there(client, ada, dana):
    client.force_login(ada)
    as_if_earlier(client)

    assert begin(client, dana)["Location"].startswith("/sign-in/again/")
    assert not entries(Action.IMPERSONATION_STARTED)


@pytest.mark.parametrize("extra", [{"until": "2100-01-01"}, {"organization": "harbor"}, {"is_staff": "1"}])
def test_what_was_not_asked_for_is_refused(extra, as_ada, dana):
    response = as_ada.post("/o/orchard/impersonate/", {"person": dana.pk, "reason": REASON, **extra})

    assert "is not a field of this form" in text_of(response)
    assert not entries(Action.IMPERSONATION_STARTED)


# ---------- what it can and cannot do ----------


def test_every_page_says_both_names(seeing, dana, orchard):
    score(orchard)

    pages = ["/o/orchard/", "/o/orchard/plan/", "/o/orchard/access/", "/o/orchard/activity/"]
    pages += ["/o/orchard/no/such/page/", "/me/", "/o/orchard/score/elsewhere/", "/sign-out/"]

    for page in pages:
        assert "Ada, you see the portal as Dana" in text_of(seeing.get(page)), page


PLACES = [
    "/orgs/",
    "/me/",
    "/audit/",
    "/audit/export/",
    "/nights/",
    "/mail/",
    "/manage/settings/",
    "/o/harbor/",
    "/o/harbor/plan/",
    "/o/nowhere/plan/",
    "/sign-in/password/",
    "/patterns/",
    "/api/v1/organizations/harbor/score/",
]


@pytest.mark.parametrize("place", PLACES)
def test_only_pages_of_that_organization_are_open(place, seeing, harbor, dana):
    make_membership(dana, harbor)

    assert seeing.get(place).status_code == 403


@pytest.mark.any_database
def test_no_address_but_three_takes_more_than_reading(seeing, dana, orchard):
    """Every address of the site, whoever adds it."""
    open_to_posts = {"impersonation-end", "account_logout", "theme"}
    statuses = {}
    for door in DOORS:
        if door.name in open_to_posts or door.name in ("home", "healthz", "readyz"):
            continue
        for method in ("post", "put", "patch", "delete"):
            statuses[door.name, method] = getattr(seeing, method)(door.address).status_code

    assert set(statuses.values()) == {403}, statuses
    assert len(statuses) > 100
    assert [entry.result for entry in entries(Action.REFUSED)][:1] == [Result.REFUSED]


def test_api_of_the_organization_is_read_only_too(seeing, orchard):
    score(orchard)

    assert seeing.get("/api/v1/organizations/orchard/score/").status_code == 200
    assert seeing.post("/api/v1/organizations/orchard/score/", {}).status_code == 403


def test_conditions_of_the_customer_bind_the_administrator(seeing, dana, orchard):
    orchard.plan_intervals.all().delete()

    assert seeing.get("/o/orchard/").status_code == 403


def test_english_by_ones_own_choice_is_not_the_customers(as_ada, dana, orchard):
    score(orchard)
    as_ada.post("/me/in-english/")
    User.objects.filter(pk=dana.pk).update(language="de")
    begin(as_ada, dana)

    assert as_ada.get("/o/orchard/").status_code == 403


def test_theme_can_be_switched(seeing):
    assert seeing.post("/theme/", {"theme": "dark", "next": "/o/orchard/plan/"}).status_code == 302


def test_seeing_cannot_begin_within_seeing(seeing, vera):
    assert begin(seeing, vera).status_code == 403


# ---------- the end ----------


def test_button_ends_it(seeing, ada):
    page = text_of(seeing.post("/impersonation/end/", follow=True))

    assert "You see the portal as yourself again, not as Dana" in page
    assert "Administrator" in page
    assert len(entries(Action.IMPERSONATION_ENDED)) == 1


def test_time_ends_it_and_what_was_asked_for_is_not_done(seeing, dana, monkeypatch):
    later = timezone.now() + impersonation.LASTS
    monkeypatch.setattr(impersonation.timezone, "now", lambda: later)

    response = seeing.post("/nights/")

    assert response["Location"] == "/o/orchard/impersonate/?over=time"
    assert not AuditEntry.objects.filter(action=Action.NIGHT_RUN).exists()
    assert entries(Action.IMPERSONATION_ENDED)[0].reason == "The half hour is over."
    monkeypatch.undo()
    assert "The half hour is over" in text_of(seeing.get(response["Location"]))
    assert seeing.get("/nights/").status_code == 200


def test_it_lasts_for_half_an_hour_and_no_longer(seeing, monkeypatch):
    began = timezone.now()
    for minutes, status in ((29, 200), (31, 302)):
        monkeypatch.setattr(impersonation.timezone, "now", lambda at=minutes: began + timedelta(minutes=at))
        assert seeing.get("/o/orchard/plan/").status_code == status


def test_signing_out_ends_it_for_the_administrator(seeing, ada, dana):
    seeing.post("/sign-out/")

    out = entries(Action.SIGN_OUT)[0]
    assert entries(Action.IMPERSONATION_ENDED)[0].reason == "Signed out."
    assert (out.actor, out.on_behalf_of, out.target_id) == (ada, None, str(ada.pk))
    assert seeing.get("/o/orchard/plan/")["Location"].startswith("/sign-in/")


def test_administrator_who_is_one_no_more_sees_nothing(seeing, ada):
    User.objects.filter(pk=ada.pk).update(is_admin=False)

    assert seeing.get("/o/orchard/plan/")["Location"] == "/"
    assert seeing.get("/o/orchard/plan/").status_code == 404
    assert len(entries(Action.IMPERSONATION_ENDED)) == 1


def test_administrator_who_was_dismissed_sees_nothing(seeing, ada):
    User.objects.filter(pk=ada.pk).update(is_active=False)

    assert b"Orchard" not in seeing.get("/o/orchard/plan/").content


@pytest.mark.parametrize("change", ["membership", "person", "gone", "hired"])
def test_it_ends_when_the_customer_loses_access(change, seeing, dana, orchard):
    if change == "membership":
        started = Membership.objects.get(user=dana).starts_at
        Membership.objects.filter(user=dana).update(ends_at=started)
    elif change == "person":
        User.objects.filter(pk=dana.pk).update(is_active=False)
    elif change == "gone":
        User.objects.filter(pk=dana.pk).delete()
    else:
        User.objects.filter(pk=dana.pk).update(is_staff=True)

    response = seeing.get("/o/orchard/plan/")

    assert response["Location"] == "/o/orchard/impersonate/?over=access"
    assert "has no access any more" in text_of(seeing.get(response["Location"]))


def test_end_without_a_beginning_changes_nothing(as_ada):
    assert as_ada.post("/impersonation/end/")["Location"] == "/"
    assert not entries(Action.IMPERSONATION_ENDED)


# ---------- what is written down ----------


def test_both_names_and_the_reason_are_written_down(seeing, ada, dana, orchard):
    began = entries(Action.IMPERSONATION_STARTED)[0]

    assert (began.actor, began.on_behalf_of, began.hat) == (ada, dana, "admin")
    assert (began.organization, began.reason, began.target_id) == (orchard, REASON, str(dana.pk))


def test_everything_meanwhile_is_written_down_under_both_names(seeing, ada, dana, orchard):
    score(orchard)

    seeing.get("/o/orchard/")
    seeing.get("/o/orchard/activity/export/")
    seeing.get("/me/")

    for action in (Action.SCORE_OPENED, Action.LOG_EXPORTED, Action.REFUSED):
        line = entries(action)[0]
        assert (line.actor, line.on_behalf_of, line.hat) == (ada, dana, "admin"), action
        assert line.organization == orchard


def test_customer_reads_who_it_was_and_why(seeing, dana, client):
    seeing.post("/impersonation/end/")
    client.force_login(dana)

    page = text_of(client.get("/o/orchard/activity/"))
    until = entries(Action.IMPERSONATION_STARTED)[0].after["until"]

    assert "Ada, seeing as Dana" in page
    assert f"Began to see the portal as Dana, read-only, until {until}: {REASON}" in page
    assert "Stopped seeing the portal as Dana" in page
    assert "ada@vendor.example" not in page


def test_success_manager_reads_it_too(seeing, casey, client):
    client.force_login(casey)

    assert REASON in text_of(client.get("/o/orchard/activity/"))


def test_reason_is_inert_text(as_ada, dana, client):
    begin(as_ada, dana, reason="<script>alert(1)</script>")
    client.force_login(dana)

    page = client.get("/o/orchard/activity/").content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_session_stays_the_administrators(seeing, ada, dana):
    assert seeing.session["_auth_user_id"] == str(ada.pk)


def test_customer_is_not_signed_in_by_it(seeing, dana):
    seeing.get("/o/orchard/plan/")

    assert User.objects.get(pk=dana.pk).last_login is None
