"""Somebody stands in for an absent success manager: what that opens, when it ends, who is named then."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone

from accounts import cover
from accounts.access import Capability, look_up, open_organization, portfolio, visible_organizations
from accounts.contacts import ours
from accounts.cover import CoverRefused, arrange
from accounts.models import Action, AuditEntry, Cover, Membership, Role
from accounts.reviews import request_review
from tests.factories import make_membership, make_organization, make_user

DAY = timedelta(days=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def covered(casey, cole, now):
    """Cole covers for Casey since an hour, for ten days."""
    return Cover.objects.create(
        absent=casey, covering=cole, starts_at=now - timedelta(hours=1), ends_at=now + 10 * DAY
    )


# ---------- what it opens ----------


def test_who_covers_works_on_the_organizations_of_the_absent(covered, cole, orchard, harbor):
    assert set(visible_organizations(cole)) == {orchard, harbor}
    assert set(portfolio(cole)) == {orchard, harbor}
    assert look_up(cole, [orchard])[orchard.pk].roles == {Role.CSM}
    assert open_organization(cole, "orchard", to=Capability.ANSWER_REVIEW_REQUEST) == orchard


def test_rights_begin_and_vanish_at_the_very_instant(covered, cole, orchard):
    start, end, tick = covered.starts_at, covered.ends_at, timedelta(microseconds=1)

    for at, opens in ((start - tick, False), (start, True), (end - tick, True), (end, False)):
        assert visible_organizations(cole, at=at).filter(pk=orchard.pk).exists() is opens
        assert portfolio(cole, at=at).filter(pk=orchard.pk).exists() is opens
        assert (Role.CSM in look_up(cole, [orchard], at=at)[orchard.pk].roles) is opens


def test_cover_that_ended_is_404_in_the_open_tab(covered, cole, orchard, client):
    client.force_login(cole)
    assert client.get("/o/orchard/plan/").status_code == 200

    Cover.objects.update(ends_at=timezone.now())

    assert client.get("/o/orchard/plan/").status_code == 404


def test_organization_that_is_handed_over_meanwhile_goes_with_its_new_manager(
    covered, casey, cole, orchard, now
):
    Membership.objects.filter(user=casey).update(ends_at=now)

    with pytest.raises(Http404):
        open_organization(cole, "orchard")


def test_cover_of_cover_does_not_exist(covered, cole, orchard, now):
    third = make_user("third@vendor.example", is_staff=True)
    Cover.objects.create(absent=cole, covering=third, starts_at=now, ends_at=now + DAY)

    assert not visible_organizations(third).filter(pk=orchard.pk).exists()


def test_who_covers_gets_no_more_than_a_success_manager(covered, cole, orchard, client):
    client.force_login(cole)

    assert client.get("/o/orchard/activity/").status_code == 200
    assert client.get("/manage/staff/").status_code == 403


def test_customer_who_stands_in_a_cover_gets_nothing(casey, hal, orchard, now):
    """The story refuses it; a row from elsewhere must not open either."""
    Cover.objects.create(absent=casey, covering=hal, starts_at=now, ends_at=now + DAY)

    assert not visible_organizations(hal).filter(pk=orchard.pk).exists()


def test_who_covers_is_out_when_they_are_deactivated(covered, cole, dana, orchard):
    cole.is_active = False
    cole.save()

    assert not visible_organizations(cole).exists()
    assert not portfolio(cole).exists()
    assert [member.user.email for member in ours(orchard)] == ["casey@vendor.example"]


def test_door_asks_the_same_number_of_questions_however_many_are_covered(
    covered, casey, cole, orchard, django_assert_num_queries
):
    many = [make_organization(f"Grove {n}") for n in range(5)]
    for each in many:
        make_membership(casey, each, Role.CSM)

    with django_assert_num_queries(4):
        look_up(cole, [orchard])
    with django_assert_num_queries(4):
        look_up(cole, [orchard, *many])


def test_portfolio_of_a_lead_who_covers_is_both(casey, lena, cole, orchard, harbor, now):
    Cover.objects.create(absent=cole, covering=lena, starts_at=now, ends_at=now + DAY)

    assert set(portfolio(lena)) == {orchard, harbor}
    doors = look_up(lena, [orchard, harbor])
    assert doors[orchard.pk].roles == {"lead"}
    assert doors[harbor.pk].roles == {Role.CSM}


def test_lead_keeps_what_a_success_manager_left_behind(casey, lena, orchard):
    """Nobody else of ours can look after it until it is handed over."""
    casey.is_active = False
    casey.save()

    assert list(visible_organizations(lena)) == [orchard]


# ---------- arranging ----------


@pytest.mark.parametrize("who", ["ada", "lena", "casey"])
def test_administrator_lead_and_the_absent_may_arrange_it(who, casey, cole, orchard, now, request):
    by = request.getfixturevalue(who)

    made = arrange(casey, cole, starts_at=now, ends_at=now + DAY, by=by)

    assert (made.absent, made.covering, made.arranged_by) == (casey, cole, by)
    assert visible_organizations(cole).filter(pk=orchard.pk).exists()


@pytest.mark.parametrize("who", ["cole", "gus", "otto", "dana"])
def test_nobody_else_may_arrange_cover_for_casey(who, casey, cole, gus, now, request):
    by = request.getfixturevalue(who)

    with pytest.raises(CoverRefused, match="not among the success managers") as refused:
        arrange(casey, gus, starts_at=now, ends_at=now + DAY, by=by)

    assert refused.value.field == "absent"
    assert not Cover.objects.exists()


def test_lead_arranges_nothing_for_another_team(lena, casey, cole, harbor, now):
    with pytest.raises(CoverRefused) as refused:
        arrange(cole, casey, starts_at=now, ends_at=now + DAY, by=lena)

    assert refused.value.field == "absent"


def test_cover_is_refused_with_its_field(casey, cole, gus, dana, ada, orchard, harbor, now):
    gone = make_user("gone@vendor.example", is_staff=True, is_active=False)
    cases = [
        (casey, casey, 0, 1, "covering", "cannot cover for themselves"),
        (casey, dana, 0, 1, "covering", "does not work here"),
        (casey, gone, 0, 1, "covering", "does not work here"),
        (casey, cole, 2, 1, "until", "ends after it begins"),
        (casey, cole, -3, -1, "until", "not in the past"),
        (casey, cole, 0, 400, "until", "366 days at most"),
        (gus, cole, 0, 1, "absent", "not among"),
    ]
    for absent, covering, first, last, field, words in cases:
        with pytest.raises(CoverRefused, match=words) as refused:
            arrange(absent, covering, starts_at=now + first * DAY, ends_at=now + last * DAY, by=ada)
        assert refused.value.field == field
    assert not Cover.objects.exists()
    assert not AuditEntry.objects.exists()


def test_nobody_covers_for_who_has_left(casey, cole, ada, now):
    casey.is_active = False
    casey.save()

    with pytest.raises(CoverRefused) as refused:
        arrange(casey, cole, starts_at=now, ends_at=now + DAY, by=ada)

    assert refused.value.field == "absent"


def test_two_do_not_cover_at_one_time_and_who_is_away_does_not_cover(
    covered, casey, cole, gus, ada, orchard, harbor, now
):
    with pytest.raises(CoverRefused, match="Cole covers for Casey until") as refused:
        arrange(casey, gus, starts_at=now + DAY, ends_at=now + 2 * DAY, by=ada)
    assert refused.value.field == "since"

    with pytest.raises(CoverRefused, match="Casey is away until") as refused:
        arrange(cole, casey, starts_at=now + DAY, ends_at=now + 2 * DAY, by=ada)
    assert refused.value.field == "covering"

    assert arrange(casey, gus, starts_at=covered.ends_at, ends_at=covered.ends_at + DAY, by=ada)


def test_database_refuses_cover_of_oneself_and_without_time(casey, cole, now):
    for absent, covering, days in ((casey, casey, 1), (casey, cole, 0)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Cover.objects.create(
                absent=absent, covering=covering, starts_at=now, ends_at=now + timedelta(days=days)
            )


def test_cover_ends_early_at_once(covered, casey, cole, orchard):
    cover.end(covered, by=casey)

    assert not visible_organizations(cole).filter(pk=orchard.pk).exists()
    with pytest.raises(CoverRefused, match="ended already"):
        cover.end(covered, by=casey)


def test_cover_that_has_not_begun_is_called_off(casey, cole, now):
    coming = arrange(casey, cole, starts_at=now + 5 * DAY, ends_at=now + 9 * DAY, by=casey)

    cover.end(coming, by=casey)

    assert not Cover.objects.exists()


def test_who_covers_cannot_end_it_for_the_absent(covered, cole):
    with pytest.raises(CoverRefused):
        cover.end(covered, by=cole)

    assert Cover.objects.get().ends_at == covered.ends_at


def test_cover_is_written_down_for_the_house_and_for_the_customer(
    casey, cole, lena, dana, orchard, now, client
):
    made = arrange(casey, cole, starts_at=now, ends_at=now + DAY, by=lena)
    cover.end(made, by=lena, at=now + timedelta(hours=1))

    lines = AuditEntry.objects.filter(action=Action.COVERED).order_by("pk")
    assert [(line.organization, line.actor, line.hat) for line in lines] == [
        (None, lena, "lead"),
        (orchard, lena, "lead"),
    ] * 2
    client.force_login(dana)
    page = client.get("/o/orchard/activity/").content.decode()
    assert "Cover: Cole for Casey from" in page
    assert "vendor.example" not in page


# ---------- who is named ----------


def named(organization):
    return [(str(member.user), member.called, str(member.absent or "")) for member in ours(organization)]


def test_who_covers_is_named_instead_of_the_absent(covered, gus, orchard):
    assert named(orchard) == [
        ("Cole", "Customer success manager", "Casey"),
        ("Gus", "Success guide", ""),
    ]


def test_lead_of_the_last_success_manager_is_named_when_nobody_is_left(lena, casey, gus, orchard, now):
    casey.is_active = False
    casey.save()
    assert named(orchard) == [("Lena", "Success lead", ""), ("Gus", "Success guide", "")]

    Membership.objects.filter(user=casey).update(ends_at=now)
    assert named(orchard) == [("Lena", "Success lead", ""), ("Gus", "Success guide", "")]


def test_guide_is_named_when_there_is_no_lead(casey, gus, orchard, now):
    Membership.objects.filter(user=casey).update(ends_at=now)

    assert named(orchard) == [("Gus", "Success guide", "")]


def test_page_names_the_support_address_when_there_is_nobody(dana, orchard, settings, client):
    settings.SUPPORT_EMAIL = "help@vendor.example"
    client.force_login(dana)

    assert "mailto:help@vendor.example" in client.get("/o/orchard/plan/").content.decode()


@pytest.mark.parametrize("page", ["/o/orchard/plan/", "/o/orchard/"])
def test_customer_reads_who_covers_and_until_when(page, covered, dana, orchard, client):
    orchard.plan_intervals.all().delete()  # then the refusal names whom to ask
    client.force_login(dana)

    text = client.get(page).content.decode()

    assert "cole@vendor.example" in text
    assert "casey@vendor.example" not in text
    if page.endswith("/plan/"):
        last = cover.last_day(covered)
        assert f"covers for Casey until {last.day} {last:%b} {last.year}" in text


def test_request_for_a_review_reaches_who_covers(
    covered, dana, orchard, mailoutbox, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        request_review(orchard, by=dana, link="https://portal.example/")

    assert [mail.to for mail in mailoutbox] == [["cole@vendor.example"]]


def test_request_for_a_review_reaches_support_as_well_when_nobody_is_assigned(
    casey, lena, dana, orchard, settings, mailoutbox, django_capture_on_commit_callbacks, now
):
    settings.SUPPORT_EMAIL = "help@vendor.example"
    Membership.objects.filter(user=casey).update(ends_at=now)

    with django_capture_on_commit_callbacks(execute=True):
        request_review(orchard, by=dana, link="https://portal.example/")

    assert [mail.to[0] for mail in mailoutbox] == ["lena@vendor.example", "help@vendor.example"]


# ---------- the page ----------


def test_casey_arranges_and_ends_cover_on_the_page(casey, cole, orchard, client):
    client.force_login(casey)
    day = timezone.localdate()
    filled = {"absent": casey.pk, "covering": cole.pk, "since": day, "until": day + DAY}

    assert client.post("/portfolio/cover/", filled).status_code == 302

    made = Cover.objects.get()
    assert cover.last_day(made) == day + DAY
    assert (made.ends_at.hour, made.ends_at.minute) == (0, 0)
    page = client.get("/portfolio/cover/").content.decode()
    assert "End now" in page
    assert client.post(f"/portfolio/cover/{made.pk}/end/").status_code == 302
    assert "Nobody is covered for" in client.get("/portfolio/cover/").content.decode()


def test_page_names_field_and_value(casey, cole, orchard, client):
    client.force_login(casey)

    page = client.post(
        "/portfolio/cover/", {"absent": cole.pk, "covering": "me", "since": "soon", "until": ""}
    ).content.decode()

    assert f"“{cole.pk}” is not in the list." in page
    assert "“me” is not in the list." in page
    assert "“soon” is not a day" in page
    assert "Enter the last day: cover always ends." in page
    assert not Cover.objects.exists()


def test_nobody_ends_the_cover_of_others(covered, gus, cole, client):
    for who in (gus, cole):
        client.force_login(who)
        assert client.post(f"/portfolio/cover/{covered.pk}/end/").status_code == 404
    assert Cover.objects.get().ends_at == covered.ends_at
