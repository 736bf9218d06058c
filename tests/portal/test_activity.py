"""The log as people read it: each their own part, filtered, paged, as a file; and who reads nothing of it."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts import audit, contacts
from accounts.access import Capability, open_organization
from accounts.models import Action, AuditEntry, Organization, Role, User
from accounts.preferences import set_preferences
from accounts.reviews import answer, request_review
from tests.factories import make_membership, make_organization, make_user
from tests.portal.scored import score, text_of

OPENED = "Opened the score"


@pytest.fixture
def looked(orchard: Organization, harbor: Organization, casey: User, ada: User) -> None:
    """Casey looked at Orchard, Ada at both."""
    casey.name = "Casey Jones"
    casey.save()
    for who, slug in ((casey, "orchard"), (ada, "orchard"), (ada, "harbor")):
        open_organization(who, slug, to=Capability.SEE_SCORE)


def page_of(client: Client, who: User, address: str) -> str:
    client.force_login(who)
    response = client.get(address)
    assert response.status_code == 200, response.status_code
    return text_of(response)


def rows_of(client: Client, who: User, address: str) -> list[dict[str, str]]:
    client.force_login(who)
    response = client.get(address)
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.content.decode())))


# ---------- whose lines ----------


def test_contact_reads_who_looked_by_name_and_role(client: Client, dana: User, looked: None) -> None:
    page = page_of(client, dana, "/o/orchard/activity/")

    assert "Casey Jones" in page
    assert "Customer success manager" in page
    assert OPENED in page


def test_contact_reads_only_their_own_organization(
    client: Client, dana: User, hal: User, looked: None
) -> None:
    assert page_of(client, dana, "/o/orchard/activity/").count(OPENED) == 2
    assert page_of(client, hal, "/o/harbor/activity/").count(OPENED) == 1


@pytest.mark.parametrize("address", ["/o/orchard/activity/", "/o/orchard/activity/export/"])
def test_stranger_gets_404(client: Client, hal: User, looked: None, address: str) -> None:
    client.force_login(hal)

    assert client.get(address).status_code == 404


@pytest.mark.parametrize("address", ["/o/orchard/activity/", "/o/orchard/activity/export/"])
def test_viewer_is_refused(client: Client, vera: User, address: str) -> None:
    client.force_login(vera)

    assert client.get(address).status_code == 403


@pytest.mark.parametrize("address", ["/audit/", "/audit/export/"])
def test_contact_is_refused_the_whole_log(client: Client, dana: User, address: str) -> None:
    client.force_login(dana)

    assert client.get(address).status_code == 403


def test_customer_sees_no_address_of_staff(client: Client, dana: User, orchard: Organization) -> None:
    nameless = make_user("secretive@vendor.example", name="")
    make_membership(nameless, orchard, Role.CSM)
    staff = Client(REMOTE_ADDR="203.0.113.77", headers={"User-Agent": "StaffBrowser"})
    staff.force_login(nameless)
    staff.get("/o/orchard/")

    page = page_of(client, dana, "/o/orchard/activity/")
    file = client.get("/o/orchard/activity/export/").content.decode()

    assert OPENED in page
    for hidden in ("secretive", "203.0.113.77", "StaffBrowser"):
        assert hidden not in page
        assert hidden not in file


def test_contact_cannot_find_staff_by_their_address(client: Client, dana: User, looked: None) -> None:
    assert "Nothing matches" in page_of(client, dana, "/o/orchard/activity/?person=casey@vendor")


def test_administrator_sees_everything_with_where_from(
    client: Client, ada: User, orchard: Organization
) -> None:
    client.force_login(ada)
    client.get("/o/orchard/", headers={"User-Agent": "Lynx"})

    page = page_of(client, ada, "/audit/")

    assert OPENED in page
    assert "127.0.0.1" in page
    assert "Lynx" in page


def test_auditor_reads_everything_and_opens_no_score(client: Client, otto: User, looked: None) -> None:
    page = page_of(client, otto, "/audit/")

    assert page.count(OPENED) == 3
    assert "Harbor" in page
    assert page_of(client, otto, "/o/orchard/activity/").count(OPENED) == 2
    assert client.get("/o/orchard/").status_code == 403


def test_contact_reads_of_success_reviews_and_until_when_a_partner_is_let_in(
    client: Client, dana: User, casey: User, vera: User, orchard: Organization
) -> None:
    request_review(orchard, by=dana, link="http://portal.example/")
    answer(orchard, by=casey)
    contacts.designate(orchard, vera, Role.PARTNER, until=datetime(2100, 1, 1, tzinfo=UTC))

    page = page_of(client, dana, "/o/orchard/activity/")

    assert "Asked for a success review" in page
    assert "Arranged the success review asked for on" in page
    assert "Gave Vera access as Partner until 2100-01-01" in page


def test_changed_language_is_written_down_by_whom(client: Client, ada: User, dana: User) -> None:
    set_preferences(dana, name="Dana", language="de", time_zone="UTC")
    set_preferences(dana, name="Dana", language="de", time_zone="UTC")

    assert AuditEntry.objects.count() == 1
    assert AuditEntry.objects.get().actor == dana
    assert "Changed Dana: language" in page_of(client, ada, "/audit/")


def test_success_manager_sees_the_reads_of_the_own_portfolio_only(
    client: Client, casey: User, orchard: Organization, vera: User, looked: None
) -> None:
    contacts.designate(orchard, vera, Role.CONTACT)

    page = page_of(client, casey, "/audit/")
    own = page_of(client, casey, "/o/orchard/activity/")

    assert page.count(OPENED) == own.count(OPENED) == 2
    assert "Harbor" not in page
    assert "Gave Vera access" not in page + own


def test_portfolio_that_was_handed_over_is_no_longer_read(client: Client, casey: User, looked: None) -> None:
    casey.memberships.update(
        starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    client.force_login(casey)

    assert client.get("/audit/").status_code == 403


def test_contact_on_a_plan_without_the_score_still_reads_who_looked(
    client: Client, dana: User, orchard: Organization, looked: None
) -> None:
    orchard.plan_intervals.all().delete()

    assert OPENED in page_of(client, dana, "/o/orchard/activity/")


def test_contact_reads_who_was_given_access(
    client: Client, dana: User, vera: User, orchard: Organization
) -> None:
    contacts.designate(orchard, vera, Role.CONTACT, by=dana)

    assert "Gave Vera access as Designated contact" in page_of(client, dana, "/o/orchard/activity/")


# ---------- looking for something ----------


def test_filter_finds_by_action_person_and_organization(client: Client, ada: User, looked: None) -> None:
    audit.record(Action.NIGHT_RUN, by=ada, target=("night", "due"))

    assert page_of(client, ada, "/audit/?action=night_run").count(OPENED) == 0
    assert page_of(client, ada, "/audit/?person=jones").count(OPENED) == 1
    assert page_of(client, ada, "/audit/?organization=harbor").count(OPENED) == 1


def test_filter_finds_by_day(client: Client, ada: User, looked: None) -> None:
    today = datetime.now(UTC).date()

    assert page_of(client, ada, f"/audit/?since={today}&until={today}").count(OPENED) == 3
    assert "Nothing matches" in page_of(client, ada, f"/audit/?since={today + timedelta(days=1)}")
    assert "Nothing matches" in page_of(client, ada, f"/audit/?until={today - timedelta(days=1)}")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("since=yesterday", "From: “yesterday” is not a day; write it as 2026-11-20."),
        ("since=2026-11-20&until=2026-11-19", "To: “2026-11-19” is before 20 Nov 2026"),
        ("action=dancing", "Action: “dancing” is not in the list."),
    ],
)
def test_filter_that_cannot_be_read_names_the_field_and_the_value(client, ada, looked, query, said) -> None:
    page = page_of(client, ada, f"/audit/?{query}")

    assert said in page
    assert OPENED not in page


def test_log_is_turned_by_fifty(client: Client, ada: User, orchard: Organization) -> None:
    for number in range(60):
        audit.record(Action.NIGHT_RUN, by=ada, organization=orchard, target=("night", f"turn {number}"))

    first = page_of(client, ada, "/audit/?action=night_run")
    second = page_of(client, ada, "/audit/?action=night_run&page=2")

    assert (first.count("the night of turn"), second.count("the night of turn")) == (50, 10)
    assert "51 to 60 of 60" in second


def test_page_asks_as_often_for_fifty_lines_as_for_two(
    client: Client, ada: User, orchard: Organization, django_assert_max_num_queries
) -> None:
    for number in range(50):
        audit.record(
            Action.ACCESS_GIVEN, by=make_user(f"p{number}@x.example"), organization=orchard, target=ada
        )
    client.force_login(ada)
    client.get("/audit/")

    with django_assert_max_num_queries(7):
        client.get("/audit/")


def test_empty_log_says_what_comes(client: Client, dana: User) -> None:
    assert "Nothing has been written down yet" in page_of(client, dana, "/o/orchard/activity/")


# ---------- as a file ----------


def test_file_holds_what_the_filter_of_the_page_finds(client: Client, ada: User, looked: None) -> None:
    audit.record(Action.NIGHT_RUN, by=ada, target=("night", "due"))

    rows = rows_of(client, ada, "/audit/export/?action=score_opened&organization=orchard")

    assert [(row["Organization"], row["What"]) for row in rows] == [("Orchard", OPENED)] * 2


def test_file_for_a_contact_holds_only_their_organization(client: Client, dana: User, looked: None) -> None:
    rows = rows_of(client, dana, "/o/orchard/activity/export/")

    assert {row["Organization"] for row in rows} == {"Orchard"}
    assert "Address" not in rows[0]


def test_file_that_was_taken_is_written_down(client: Client, dana: User, looked: None) -> None:
    rows_of(client, dana, "/o/orchard/activity/export/")

    entry = AuditEntry.objects.get(action=Action.LOG_EXPORTED)
    assert (entry.actor, entry.hat, entry.after) == (dana, "contact", {"lines": 2})


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\t=", "＝"])
def test_cell_of_the_file_is_no_formula(client: Client, ada: User, start: str) -> None:
    formula = f'{start}HYPERLINK("http://x.example")'
    tricky = make_organization(formula, slug="tricky")
    ada.name = formula
    ada.save()
    open_organization(ada, tricky.slug, to=Capability.SEE_SCORE)

    row = rows_of(client, ada, "/audit/export/")[0]

    for cell in (row["Who"], row["Organization"]):
        assert cell == f"'{formula}"


def test_filter_that_cannot_be_read_gives_no_file(client: Client, ada: User, looked: None) -> None:
    client.force_login(ada)

    response = client.get("/audit/export/?since=yesterday")

    assert response["Location"] == "/audit/?since=yesterday"


def test_text_of_a_stranger_stays_text_on_the_page(client: Client, ada: User) -> None:
    client.force_login(ada)
    client.get("/audit/export/", headers={"User-Agent": "<script>alert(1)</script>"})
    audit.record(Action.NIGHT_RUN, by=ada, target=("night", "<img src=x onerror=alert(1)>"))
    ada_again = Client(headers={"User-Agent": "<script>alert(1)</script>"})
    ada_again.force_login(ada)
    ada_again.get("/audit/export/")

    content = client.get("/audit/").content

    assert b"<script>alert" not in content
    assert b"<img src=x" not in content
    assert b"&lt;script&gt;alert(1)" in content


# ---------- the way there ----------


@pytest.mark.parametrize(
    ("who", "is_there"), [("dana", True), ("casey", True), ("ada", True), ("vera", False)]
)
def test_side_bar_leads_those_there_who_may(client, orchard, request, who, is_there) -> None:
    score(orchard)
    client.force_login(request.getfixturevalue(who))

    assert (b'href="/o/orchard/activity/"' in client.get("/o/orchard/").content) is is_there
