"""The pages of contacts and invitations: who may press what, what of it is stored, and what is said."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.contacts import designate
from accounts.invitations import invite
from accounts.memberships import change_role, deactivate
from accounts.models import Action, AuditEntry, Invitation, Membership, Result, Role, User
from tests.factories import PASSWORD, make_membership, make_organization, make_user
from tests.portal.scored import text_of

NEW = "nora@orchard.example"
PAGE = "/o/orchard/contacts/"
INVITE = "/o/orchard/contacts/invite/"
TOGETHER = "/o/orchard/contacts/together/"
CHOSEN = {"name": "Nora", "password1": PASSWORD, "password2": PASSWORD}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def as_someone(request):
    """A browser of whoever is named."""

    def signed_in(who: str) -> Client:
        client = Client()
        if who != "visitor":
            client.force_login(request.getfixturevalue(who))
        return client

    return signed_in


@pytest.fixture
def sent(orchard, dana, django_capture_on_commit_callbacks):
    """Invites, and gives the invitation and the path of the link in its mail."""

    def sends(email=NEW, role=Role.VIEWER, by=None, **options):
        with django_capture_on_commit_callbacks(execute=True):
            made = invite(orchard, email, role, by=by or dana, **options)
        return made, re.search(r"http://localhost:8000(/invitation/\S+)", mail.outbox[-1].body)[1]

    return sends


def of(user: User, name: str) -> str:
    return reverse(name, args=["orchard", user.memberships.get(organization__slug="orchard").public_id])


def refusals() -> list[str]:
    return [entry.reason for entry in AuditEntry.objects.filter(result=Result.REFUSED)]


def roles_of(user: User) -> list[tuple[str, bool]]:
    """Each role in Orchard, and whether it has ended."""
    theirs = user.memberships.filter(organization__slug="orchard")
    return [(each.role, bool(each.ends_at and each.ends_at <= timezone.now())) for each in theirs]


# ---------- who may press what (SECURITY A4) ----------

# Every address that changes something about Vera, or an invitation, and what is sent there.
ACTS = {
    "contacts-invite": {"email": "else@orchard.example", "role": "viewer"},
    "contacts-together": {"act": "end", "confirmed": "on"},
    "contact-role": {"role": "contact"},
    "contact-until": {"until": "2026-12-31"},
    "contact-end": {"confirmed": "on"},
    "contact-transfer": {"to": str(uuid4())},
    "contact-deactivate": {"confirmed": "on"},
    "contact-reactivate": {},
    "invitation-resend": {},
    "invitation-withdraw": {},
}
NOT_THEIRS = ["tara", "vera", "pat", "casey", "gus", "lena", "otto"]


def address_of(name: str, vera: User, made: Invitation) -> str:
    if name.startswith("contacts-"):
        return reverse(name, args=["orchard"])
    return of(vera, name) if name.startswith("contact-") else reverse(name, args=["orchard", made.public_id])


def state() -> tuple[object, ...]:
    """Everything that these acts could change."""
    return (
        list(Membership.objects.order_by("pk").values_list("pk", "role", "ends_at")),
        list(Invitation.objects.order_by("pk").values_list("pk", "email", "role", "digest", "withdrawn_at")),
        list(User.objects.order_by("pk").values_list("pk", "is_active", "is_staff", "is_admin")),
    )


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("who", NOT_THEIRS)
def test_only_contact_and_admin_act_and_the_attempt_is_written_down(
    who, name, as_someone, sent, vera, request
):
    made, _ = sent()
    client = as_someone(who)
    before = state()

    response = client.post(address_of(name, vera, made), ACTS[name])

    assert response.status_code == 403
    assert state() == before
    entry = AuditEntry.objects.get(result=Result.REFUSED)
    assert entry.actor == request.getfixturevalue(who)
    assert entry.organization.slug == "orchard"


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("who", ["hal", "frank", "pia", "cole"])
def test_stranger_acts_on_nothing(who, name, as_someone, sent, vera):
    made, _ = sent()
    client = as_someone(who)
    before = state()

    response = client.post(address_of(name, vera, made), ACTS[name])

    assert response.status_code == 404
    assert state() == before
    assert refusals() == ["No such organization for them to manage."]


@pytest.mark.parametrize("name", ACTS)
def test_visitor_is_sent_to_sign_in(name, sent, vera, client):
    made, _ = sent()
    before = state()

    response = client.post(address_of(name, vera, made), ACTS[name])

    assert response.url.startswith("/sign-in/")
    assert state() == before


@pytest.mark.parametrize("name", ["contact-deactivate", "contact-reactivate"])
def test_contact_does_not_deactivate_everywhere(name, as_someone, vera, dana):
    client = as_someone("dana")

    looked = client.get(of(vera, name))
    response = client.post(of(vera, name), ACTS[name])

    vera.refresh_from_db()
    assert looked.status_code == (403 if name == "contact-deactivate" else 405)
    assert response.status_code == 403
    assert vera.is_active
    assert len(refusals()) == 1


@pytest.mark.parametrize("name", ["contact", "contact-end", "contact-role"])
def test_contact_of_another_organization_is_not_found_under_ours(name, as_someone, dana, hal):
    number = hal.memberships.get().public_id
    client = as_someone("dana")

    found = client.post(reverse(name, args=["orchard", number]), {"role": "viewer", "confirmed": "on"})
    nowhere = client.post(reverse(name, args=["orchard", uuid4()]), {"role": "viewer", "confirmed": "on"})

    assert found.status_code == nowhere.status_code == (405 if name == "contact" else 404)
    assert hal.memberships.get().ends_at is None


def test_success_manager_is_no_contact_to_act_on(as_someone, dana, casey):
    assert as_someone("dana").get(of(casey, "contact")).status_code == 404


# ---------- more than the forms have (SECURITY A16) ----------

MORE = {
    "organization": "harbor",
    "role_above": "admin",
    "is_staff": "true",
    "is_admin": "true",
    "id": "1",
    "user": "1",
    "made_at": "2020-01-01",
    "accepted_at": "2026-11-20",
}


@pytest.mark.any_database
@pytest.mark.parametrize("key", MORE)
@pytest.mark.parametrize("name", [name for name in ACTS if name not in ("contact-transfer", "contact-until")])
def test_field_that_is_not_in_the_form_is_named_and_nothing_done(key, name, as_someone, sent, vera, ada):
    made, _ = sent()
    client = as_someone("ada")
    before = state()
    sends = ACTS[name] | ({"who": str(vera.memberships.get().public_id)} if "together" in name else {})

    response = client.post(address_of(name, vera, made), sends | {key: MORE[key]})

    assert response.status_code == 422
    assert f"“{key}” is not a field of this form." in text_of(response)
    assert state() == before


@pytest.mark.parametrize("key", MORE)
def test_partners_day_and_transfer_take_no_more_either(key, as_someone, pat, vera, dana):
    client = as_someone("dana")
    before = state()
    to = str(vera.memberships.get().public_id)

    later = client.post(of(pat, "contact-until"), {"until": "2027-01-31", key: MORE[key]})
    handed = client.post(of(dana, "contact-transfer"), {"to": to, key: MORE[key]})

    assert later.status_code == handed.status_code == 422
    assert state() == before


# ---------- the list ----------


@pytest.mark.parametrize("who", ["dana", "tara", "casey", "gus", "lena", "ada", "otto"])
def test_contacts_are_read_by_those_who_may(who, as_someone, sent, frank):
    sent()

    page = text_of(as_someone(who).get(PAGE))

    for words in ("dana@orchard.example", "Frank", "Ended", NEW, "Invited, ends"):
        assert words in page
    assert ("Invite a contact" in page) == (who in ("dana", "ada"))


def test_training_administrator_sees_no_button_at_all(as_someone, tara, sent):
    sent()

    page = as_someone("tara").get(PAGE).content.decode()
    main = page[page.index("<main") :]

    assert 'method="post"' not in main
    assert 'name="who"' not in main


def test_contacts_are_managed_whatever_the_plan(as_someone, orchard, dana):
    orchard.plan_intervals.all().delete()
    client = as_someone("dana")

    client.post(INVITE, {"email": NEW, "role": "viewer"})

    assert client.get(PAGE).status_code == 200
    assert Invitation.objects.get().email == NEW


def test_side_bar_leads_to_the_contacts_of_those_who_may_see_them(as_someone, dana, vera):
    assert f'href="{PAGE}"' in as_someone("dana").get("/o/orchard/plan/").content.decode()
    assert f'href="{PAGE}"' not in as_someone("vera").get("/o/orchard/plan/").content.decode()


def test_list_is_searched_filtered_and_sorted_by_its_address(as_someone, dana, vera, pat):
    client = as_someone("dana")

    assert "Pat" not in text_of(client.get(f"{PAGE}?q=vera"))
    assert "Vera" not in text_of(client.get(f"{PAGE}?role=partner")).partition("Last sign-in")[2]
    assert "Nobody matches" in text_of(client.get(f"{PAGE}?state=deactivated"))
    down = text_of(client.get(f"{PAGE}?sort=-name")).partition("Last sign-in")[2]
    assert down.index("Vera") < down.index("Dana")


def test_filter_that_is_not_known_is_named(as_someone, dana):
    page = text_of(as_someone("dana").get(f"{PAGE}?state=asleep"))

    assert "“asleep” is not known for state." in page


def test_organization_without_a_contact_is_flagged(as_someone, casey, orchard):
    assert "No designated contact" in text_of(as_someone("casey").get(PAGE))
    designate(orchard, make_user("new@orchard.example"))
    assert "No designated contact" not in text_of(as_someone("casey").get(PAGE))


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_list_pages_and_its_queries_stay_the_same(as_someone, orchard, dana, sent):
    client = as_someone("dana")
    sent("n00a@orchard.example")
    client.get(PAGE)
    few = queries_of(client, PAGE)
    for number in range(60):
        make_membership(make_user(f"n{number:02}@orchard.example"), orchard, Role.VIEWER)

    assert queries_of(client, PAGE) == few
    page = text_of(client.get(PAGE))
    assert "1 to 50 of 62" in page
    assert "51 to 62 of 62" in text_of(client.get(f"{PAGE}?page=2"))


# ---------- inviting ----------


def test_contact_invites_and_reads_until_when(as_someone, dana):
    response = as_someone("dana").post(
        INVITE, {"email": "Nora@Orchard.example", "role": "viewer"}, follow=True
    )

    assert "An invitation is on its way to nora@orchard.example" in text_of(response)
    assert "Invited, ends" in text_of(response)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"email": "", "role": "viewer"}, "Enter the address to invite."),
        ({"email": "nora", "role": "viewer"}, "Enter one e-mail address."),
        ({"email": f"{NEW}, hal@harbor.example", "role": "viewer"}, "Enter one e-mail address."),
        ({"email": NEW}, "Choose what they may do."),
        ({"email": NEW, "role": "partner"}, "A partner's access ends: say the last day."),
        ({"email": NEW, "role": "partner", "until": "soon"}, "“soon” is not a day"),
        ({"email": NEW, "role": "partner", "until": "2020-01-01"}, "2020-01-01 is over."),
        ({"email": NEW, "role": "partner", "until": "9999-12-31"}, "9999-12-31 is more than two years away"),
        ({"email": NEW, "role": "viewer", "until": "2027-01-01"}, "Only a partner's access has a last day"),
        ({"email": "vera@orchard.example", "role": "viewer"}, "Vera is viewer here already."),
    ],
)
def test_impossible_invitation_is_refused_at_its_field(fields, words, as_someone, dana, vera):
    response = as_someone("dana").post(INVITE, fields)

    assert response.status_code == 422
    assert words in text_of(response)
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Invitation.objects.exists()


def test_invitation_is_sent_again_and_withdrawn_from_the_list(
    as_someone, dana, sent, django_capture_on_commit_callbacks
):
    made, link = sent()
    client = as_someone("dana")

    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("invitation-resend", args=["orchard", made.public_id]))
    assert len(mail.outbox) == 2
    assert Client().get(link).status_code == 404

    page = client.post(reverse("invitation-withdraw", args=["orchard", made.public_id]), follow=True)
    assert "is withdrawn" in text_of(page)
    again = client.post(reverse("invitation-resend", args=["orchard", made.public_id]), follow=True)
    assert "The invitation was withdrawn." in text_of(again)


def test_host_of_a_request_does_not_lead_the_mail_astray(dana, settings, django_capture_on_commit_callbacks):
    settings.ALLOWED_HOSTS = ["testserver", "evil.example"]
    client = Client(HTTP_HOST="evil.example", HTTP_X_FORWARDED_HOST="evil.example")
    client.force_login(dana)

    with django_capture_on_commit_callbacks(execute=True):
        client.post(INVITE, {"email": NEW, "role": "viewer"})

    assert "evil.example" not in mail.outbox[0].body
    assert "http://localhost:8000/invitation/" in mail.outbox[0].body


# ---------- one contact ----------


def test_contact_changes_a_role_on_the_page(as_someone, dana, vera):
    client = as_someone("dana")

    response = client.post(of(vera, "contact-role"), {"role": "training_admin"}, follow=True)

    assert "Vera is training administrator now" in text_of(response)
    assert roles_of(vera) == [("training_admin", False)]


@pytest.mark.parametrize("role", ["csm", "guide", "admin", "auditor"])
def test_role_above_is_403_and_one_line_of_the_log(role, as_someone, dana, vera):
    response = as_someone("dana").post(of(vera, "contact-role"), {"role": role})

    assert response.status_code == 403
    assert roles_of(vera) == [("viewer", False)]
    assert refusals() == [f"The role {role!r} is not yours to give."]


def test_partners_day_is_moved_on_the_page(as_someone, dana, pat):
    day = (timezone.now() + timedelta(days=40)).date()

    page = as_someone("dana").post(of(pat, "contact-until"), {"until": f"{day}"}, follow=True)

    assert pat.memberships.get().ends_at == datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(1)
    assert "The last day of Pat is" in text_of(page)
    assert f"Active until {day.day} " in text_of(page)


@pytest.mark.parametrize("name", ["contact-end", "contact-deactivate"])
def test_step_is_asked_about_first_and_looking_changes_nothing(name, as_someone, ada, vera):
    client = as_someone("ada")
    before = state()

    looked = client.get(of(vera, name))
    pressed = client.post(of(vera, name))

    assert "Cancel" in text_of(looked)
    assert text_of(looked) == text_of(pressed)
    assert state() == before


def test_ending_says_that_it_is_about_this_organization_alone(as_someone, dana, vera):
    client = as_someone("dana")

    asked = text_of(client.get(of(vera, "contact-end")))
    done = text_of(client.post(of(vera, "contact-end"), {"confirmed": "on"}, follow=True))

    assert "This is about this organization alone" in asked
    assert "The access of Vera to Orchard has ended." in done
    assert roles_of(vera) == [("viewer", True)]


def test_last_contact_is_asked_about_in_words_and_then_let_go(as_someone, ada, dana):
    client = as_someone("ada")

    asked = client.post(of(dana, "contact-role"), {"role": "viewer"})
    assert "The last designated contact" in text_of(asked)
    assert roles_of(dana) == [("contact", False)]

    confirmed = {"role": "viewer", "until": "", "confirmed": "on", "last": "on"}
    page = client.post(of(dana, "contact-role"), confirmed, follow=True)
    assert roles_of(dana) == [("viewer", False)]
    assert "No designated contact" in text_of(page)


def test_contact_who_became_the_last_meanwhile_is_asked_about_once_more(as_someone, orchard, ada, dana):
    eve = make_user("eve@orchard.example")
    make_membership(eve, orchard)
    client = as_someone("ada")
    assert "The last designated contact" not in text_of(client.get(of(dana, "contact-end")))
    deactivate(eve, by=ada)

    page = client.post(of(dana, "contact-end"), {"confirmed": "on"})

    assert "The last designated contact" in text_of(page)
    assert roles_of(dana) == [("contact", False)]


def test_contact_hands_over_and_is_what_they_chose(as_someone, dana, vera):
    to = str(vera.memberships.get().public_id)

    response = as_someone("dana").post(of(dana, "contact-transfer"), {"to": to, "becomes": "viewer"})

    assert response.status_code == 302
    assert roles_of(vera) == [("contact", False)]
    assert roles_of(dana) == [("viewer", False)]


@pytest.mark.parametrize("whose", ["hal", "nobody"])
def test_transfer_to_a_stranger_reads_like_one_to_nobody(whose, as_someone, dana, hal):
    to = hal.memberships.get().public_id if whose == "hal" else uuid4()

    response = as_someone("dana").post(of(dana, "contact-transfer"), {"to": str(to)})

    assert response.status_code == 422
    assert "Choose one of the list." in text_of(response)


def test_administrator_deactivates_and_reactivates(as_someone, ada, vera):
    client = as_someone("ada")

    client.post(of(vera, "contact-deactivate"), {"confirmed": "on"})
    assert "Deactivated" in text_of(client.get(PAGE))
    page = client.post(of(vera, "contact-reactivate"), follow=True)

    vera.refresh_from_db()
    assert vera.is_active
    assert "Vera can sign in again." in text_of(page)


def test_contact_reads_in_the_log_what_was_done(as_someone, dana, vera, sent, orchard):
    sent()
    change_role(vera.memberships.get(), Role.TRAINING_ADMIN, by=dana)

    page = text_of(as_someone("dana").get("/o/orchard/activity/"))

    assert f"Invited {NEW} as Viewer" in page
    assert "Changed the access of Vera from Viewer to Training administrator" in page


# ---------- several ----------


def test_several_are_asked_about_by_name_and_then_changed(as_someone, dana, vera, pat):
    client = as_someone("dana")
    who = [str(user.memberships.get().public_id) for user in (vera, pat)]

    asked = client.post(TOGETHER, {"act": "end", "who": who})
    assert "Pat and Vera: nothing of Orchard is open to them" in text_of(asked)
    assert roles_of(vera) == [("viewer", False)]

    page = client.post(TOGETHER, {"act": "end", "who": who, "confirmed": "on"}, follow=True)
    assert "2 contacts ended." in text_of(page)
    assert roles_of(vera) + roles_of(pat) == [("viewer", True), ("partner", True)]


@pytest.mark.parametrize(
    ("sends", "words"),
    [
        ({"act": "end"}, "Pick somebody first."),
        ({"act": "end", "who": "vera"}, "“vera” is nobody here."),
        ({"act": "end", "who": "3f0c0d5e-8a52-4c57-9d0b-5a4b7d1f0009"}, "is nobody here."),
        ({"act": "csm", "who": "3f0c0d5e-8a52-4c57-9d0b-5a4b7d1f0009"}, "“csm” is not in the list."),
    ],
)
def test_odd_pick_is_refused_with_its_value(sends, words, as_someone, dana):
    response = as_someone("dana").post(TOGETHER, sends)

    assert response.status_code == 422
    assert words in text_of(response)


def test_foreign_contact_is_not_among_the_picked(as_someone, dana, hal, vera):
    who = [str(user.memberships.get().public_id) for user in (vera, hal)]

    response = as_someone("dana").post(TOGETHER, {"act": "end", "who": who, "confirmed": "on"})

    assert response.status_code == 422
    assert roles_of(vera) == [("viewer", False)]
    assert hal.memberships.get().ends_at is None


# ---------- all contacts ----------


def test_administrator_finds_contacts_over_all_organizations(as_someone, ada, dana, hal):
    client = as_someone("ada")

    assert "Hal" in text_of(client.get("/manage/contacts/"))
    assert "Dana" not in text_of(client.get("/manage/contacts/?q=harbor"))
    assert "Harbor" in text_of(client.get("/manage/contacts/?q=hal@harbor"))


def test_administrator_ends_several_over_organizations_after_being_told_of_last_contacts(
    as_someone, ada, dana, hal
):
    client = as_someone("ada")
    who = [str(user.memberships.get().public_id) for user in (dana, hal)]

    asked = client.post("/manage/contacts/together/", {"act": "end", "who": who})
    unknowing = client.post("/manage/contacts/together/", {"act": "end", "who": who, "confirmed": "on"})
    assert "The last designated contact" in text_of(asked)
    assert "The last designated contact" in text_of(unknowing)
    assert roles_of(dana) == [("contact", False)]

    sends = {"act": "end", "who": who, "confirmed": "on", "last": "on"}
    assert "2 contacts ended." in text_of(client.post("/manage/contacts/together/", sends, follow=True))


def test_administrator_deactivates_several(as_someone, ada, vera, tara):
    who = [str(user.memberships.get().public_id) for user in (vera, tara)]

    page = as_someone("ada").post(
        "/manage/contacts/together/", {"act": "deactivate", "who": who, "confirmed": "on"}, follow=True
    )

    assert "2 people deactivated." in text_of(page)
    assert not User.objects.filter(pk__in=[vera.pk, tara.pk], is_active=True).exists()


def test_queries_of_all_contacts_stay_the_same(as_someone, ada, dana):
    client = as_someone("ada")
    client.get("/manage/contacts/")
    few = queries_of(client, "/manage/contacts/")
    for number in range(60):
        make_membership(make_user(f"n{number}@number.example"), make_organization(f"Number {number}"))

    assert queries_of(client, "/manage/contacts/") == few


# ---------- the link ----------


@pytest.mark.parametrize("who", ["visitor", "known visitor", "invited person"])
@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_at_a_link_changes_nothing(method, who, sent, client):
    _, link = sent()
    if who != "visitor":
        nora = make_user(NEW)
    if who == "invited person":
        client.force_login(nora)
    before = state()

    for _ in range(3):
        getattr(client, method)(link)

    assert state() == before
    assert Invitation.objects.get().accepted_at is None
    assert refusals() == []


def test_link_holder_reads_who_invites_to_what(sent, client):
    _, link = sent(role=Role.PARTNER, until=datetime(2027, 1, 1, tzinfo=UTC))

    response = client.get(link)

    for words in ("Dana invites nora@orchard.example", "Orchard", "Partner", "with 31 Dec 2026"):
        assert words in text_of(response)
    assert "no-store" in response["Cache-Control"]


def test_new_person_chooses_name_and_password_and_is_in(sent, client):
    _, link = sent()

    response = client.post(link, CHOSEN)

    nora = User.objects.get(email=NEW)
    assert response.url == "/o/orchard/"
    assert client.get("/o/orchard/plan/").status_code == 200
    assert (nora.name, roles_of(nora)) == ("Nora", [("viewer", False)])
    actions = list(AuditEntry.objects.filter(actor=nora).order_by("pk").values_list("action", flat=True))
    assert actions[:3] == [Action.PERSON_ADDED, Action.INVITATION_ACCEPTED, Action.SIGN_IN]


def test_new_person_of_an_organization_without_the_score_lands_on_the_plan(sent, client, orchard):
    orchard.plan_intervals.all().delete()
    _, link = sent()

    assert client.post(link, CHOSEN).url == "/o/orchard/plan/"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "Enter the name that others should see."),
        ({"password1": "short", "password2": "short"}, "at least 12 characters"),
        ({"password2": "another long secret"}, "The two passwords are not the same."),
        ({"password1": ""}, "Choose a password."),
    ],
)
def test_odd_name_or_password_is_refused_at_its_field(changes, words, sent, client):
    _, link = sent()

    response = client.post(link, CHOSEN | changes)

    assert response.status_code == 422
    assert words in text_of(response)
    assert PASSWORD not in response.content.decode()
    assert not User.objects.filter(email=NEW).exists()


def test_known_person_signs_in_as_that_address_and_accepts(sent, client, hal):
    _, link = sent(hal.email)

    asked = client.get(link)
    sign_in = re.search(r'href="(/sign-in/\?next=[^"]+)"', asked.content.decode())[1]
    pressed = client.post(link)
    entered = client.post(sign_in, {"login": hal.email, "password": PASSWORD})

    assert pressed.url == sign_in
    assert entered.url == link
    assert client.post(link).url == "/o/orchard/"
    assert roles_of(hal) == [("viewer", False)]


def test_deactivated_person_does_not_come_in_by_invitation(sent, client):
    make_user(NEW, is_active=False)
    _, link = sent()

    assert client.post(link, CHOSEN).url.startswith("/sign-in/")
    client.post(f"/sign-in/?next={link}", {"login": NEW, "password": PASSWORD})
    client.post(link)

    assert Invitation.objects.get().accepted_at is None


def test_staff_are_told_to_ask_for_an_assignment(as_someone, sent, cole):
    _, link = sent(cole.email)

    response = as_someone("cole").post(link)

    assert response.status_code == 403
    assert "works for Lodestone" in text_of(response)
    assert roles_of(cole) == []


def test_log_of_the_server_holds_no_link(sent, caplog, as_someone, hal):
    from portal.logs import HideLinks

    _, link = sent()
    as_someone("hal").get(link)

    records = [record for record in caplog.records if "/invitation/" in record.getMessage()]
    assert records
    for record in records:
        HideLinks().filter(record)
        assert link.split("/")[2] not in record.getMessage()
        assert "/invitation/…" in record.getMessage()


# ---------- eight ways to get more than was offered (SECURITY A3) ----------


def raise_own_role(client, link, made, request):
    return client.post(link, CHOSEN | {"role": "contact"}), 403


def move_to_another_organization_in_the_body(client, link, made, request):
    return client.post(link, CHOSEN | {"organization": "harbor"}), 403


def move_to_another_organization_in_the_link(client, link, made, request):
    return client.post(f"{link}?organization=harbor", CHOSEN), 403


def invite_into_another_organization(client, link, made, request):
    client.force_login(request.getfixturevalue("dana"))
    return client.post("/o/harbor/contacts/invite/", {"email": NEW, "role": "viewer"}), 404


def accept_with_another_address(client, link, made, request):
    client.force_login(request.getfixturevalue("hal"))
    return client.post(link), 403


def reuse(client, link, made, request):
    Client().post(link, CHOSEN)
    return client.post(link, CHOSEN), 410


def accept_after_withdrawal(client, link, made, request):
    Invitation.objects.update(withdrawn_at=timezone.now())
    return client.post(link, CHOSEN), 410


def accept_after_expiry(client, link, made, request):
    Invitation.objects.update(made_at=LONG_AGO, expires_at=timezone.now())
    return client.post(link, CHOSEN), 410


def invite_above_the_own_role(client, link, made, request):
    client.force_login(request.getfixturevalue("dana"))
    return client.post(INVITE, {"email": "else@orchard.example", "role": "csm"}), 403


def guess_a_link(client, link, made, request):
    return client.post("/invitation/guessed-token/", CHOSEN), 404


@pytest.mark.parametrize(
    "attempt",
    [
        raise_own_role,
        move_to_another_organization_in_the_body,
        move_to_another_organization_in_the_link,
        invite_into_another_organization,
        accept_with_another_address,
        reuse,
        accept_after_withdrawal,
        accept_after_expiry,
        invite_above_the_own_role,
        guess_a_link,
    ],
)
def test_attempt_to_get_more_is_refused_and_written_down_once(attempt, sent, client, harbor, request):
    made, link = sent()
    memberships = Membership.objects.count()
    if attempt in (reuse,):
        memberships += 1  # of the one good acceptance
    if attempt is accept_with_another_address:
        memberships += 1  # Hal's own

    response, status = attempt(client, link, made, request)

    assert response.status_code == status
    assert len(refusals()) == 1
    assert Invitation.objects.count() == 1
    assert Membership.objects.count() == memberships
    assert not harbor.memberships.exclude(user__email="hal@harbor.example").exists()


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (reuse, "This invitation was accepted already"),
        (accept_after_withdrawal, "This invitation was withdrawn"),
        (accept_after_expiry, "This invitation has expired"),
    ],
)
def test_closed_invitation_says_why_and_what_to_do(attempt, words, sent, client, request):
    made, link = sent()
    attempt(client, link, made, request)

    page = text_of(client.get(link))

    assert words in page
    assert NEW not in page


def test_somebody_else_reads_nothing_of_who_was_invited_where(sent, as_someone):
    _, link = sent()

    for method in ("get", "post"):
        response = getattr(as_someone("hal"), method)(link)
        assert response.status_code == 403
        assert "sign out" in text_of(response).lower()
        for secret in (NEW, "Orchard", "Dana"):
            assert secret not in response.content.decode()


# ---------- a training administrator's own actions ----------


def test_training_administrator_reads_their_own_actions_alone(as_someone, tara, dana, vera):
    as_someone("tara").post(INVITE, {"email": NEW, "role": "viewer"})
    as_someone("vera").get("/o/orchard/contacts/")
    change_role(vera.memberships.get(), Role.TRAINING_ADMIN, by=dana)

    page = text_of(as_someone("tara").get("/o/orchard/activity/"))
    file = as_someone("tara").get("/o/orchard/activity/export/").content.decode()

    assert "What you did in Orchard" in page
    for text in (page, file):
        assert "manage contacts is not for training_admin" in text
        assert "Vera" not in text.replace("vera@", "")
        assert "Changed the access" not in text


def test_training_administrator_is_refused_the_whole_log(as_someone, tara):
    assert as_someone("tara").get("/audit/").status_code == 403
