"""The pages on which a contact sets up the company's sign-in: in steps, each failure at its place."""

import re

import pytest
from django.test import Client

from accounts import connections, sessions
from accounts.models import Connection, Identity
from accounts.sso.reasons import Why
from tests.factories import as_if_earlier
from tests.portal.providers import SECRET, SamlProvider, connect, linked, running, signed_in, way_on
from tests.portal.scored import text_of
from tests.portal.signing import give_app

LIST = "/o/orchard/connection/"


@pytest.fixture(autouse=True)
def loopback(settings):
    settings.CONNECTION_HOSTS = frozenset({"localhost"})


@pytest.fixture(scope="module")
def provider():
    with running(**{"s-dana": {"email": "dana@orchard.example"}}) as started:
        yield started


@pytest.fixture(autouse=True)
def honest(provider):
    provider.lies.clear()


@pytest.fixture
def contact(dana):
    """Dana, who has just signed in."""
    return signed_in(dana)


@pytest.fixture
def made(orchard, dana, provider):
    return connect(orchard, provider, by=dana, on=False)


def page_of(connection, more=""):
    return f"{LIST}{connection.public_id}/{more}"


def test_contact_sets_up_a_connection_from_nothing_to_required(contact, dana, provider, vera):
    assert "Connect your company's sign-in" in text_of(contact.get(LIST))
    there = contact.post(LIST, {"kind": "oidc"}).url
    page = text_of(contact.get(there))
    connection = Connection.objects.get()
    assert f"http://testserver/sso/{connection.public_id}/callback/" in page

    given = {
        "form": "oidc",
        "name": "Orchard login",
        "issuer": provider.issuer,
        "client_id": "c",
        "secret": SECRET,
    }
    assert contact.post(there, given).url == there
    assert "Nothing stands against a test." in text_of(contact.post(f"{there}check/"))
    tested = contact.get(provider.answer(way_on(contact.post(f"{there}test/")), "s-dana"))
    assert tested.url == there
    assert "Switch the connection on" in text_of(contact.get(f"{there}on/"))
    contact.post(f"{there}on/")
    asked = text_of(contact.get(f"{there}require/"))
    assert "1 person has not linked an account yet Vera cannot come in" in asked
    refused = contact.post(f"{there}require/", {"break_glass": dana.pk})
    assert "Dana has no second factor." in text_of(refused)
    give_app(dana)
    contact.post(f"{there}require/", {"break_glass": dana.pk})

    connection.refresh_from_db()
    assert (connection.state, connection.is_required, connection.break_glass) == ("on", True, dana)
    assert Identity.objects.get().user == dana
    assert "Required" in text_of(contact.get(LIST))


def test_secret_is_never_shown_again(contact, made):
    page = contact.get(page_of(made)).content.decode()

    assert SECRET not in page
    assert made.sealed_secret not in page
    assert "It is never shown; leave this empty to keep it." in page


def test_refused_secret_is_not_sent_back(contact, orchard, dana):
    made = connections.add(orchard, "oidc", by=dana)
    given = {"form": "oidc", "name": "x", "issuer": "http://x.example", "client_id": "c", "secret": SECRET}

    response = contact.post(page_of(made), given)

    assert response.status_code == 422
    assert SECRET not in response.content.decode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": "http://login.example.com"}, "issuer"),
        ({"issuer": "https://x.example/" + "x" * 500}, "issuer"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": "x" * 256}, "client_id"),
        ({"secret": "x" * 501}, "secret"),
    ],
)
def test_value_that_cannot_be_is_said_at_its_field_and_nothing_is_kept(
    contact, made, provider, change, field
):
    given = {"form": "oidc", "name": "New", "issuer": provider.issuer, "client_id": "c", "secret": "s"}

    response = contact.post(page_of(made), given | change)

    assert response.status_code == 422
    assert list(response.context["oidc"].errors) == [field]
    made.refresh_from_db()
    assert made.name == "Orchard login"


@pytest.mark.parametrize("form", ["saml", "metadata", "certificate", "x", ""])
def test_form_of_another_kind_is_not_there(contact, made, form):
    assert contact.post(page_of(made), {"form": form}).status_code == 404


def test_metadata_and_certificates_are_taken_and_refused_at_their_fields(contact, orchard, dana):
    made, idp = connections.add(orchard, "saml", by=dana), SamlProvider(days=20)

    bad = contact.post(page_of(made), {"form": "metadata", "metadata": "<a/>"})
    good = contact.post(page_of(made), {"form": "metadata", "metadata": idp.metadata})
    again = contact.post(page_of(made), {"form": "certificate", "certificate": idp.pem})
    page = text_of(contact.get(page_of(made)))

    assert (bad.status_code, good.status_code, again.status_code) == (422, 302, 422)
    assert list(bad.context["metadata"].errors) == ["metadata"]
    assert list(again.context["certificate"].errors) == ["certificate"]
    assert "Ends in 19 days" in page
    assert "CN=idp.orchard.example" in page
    removed = contact.post(page_of(made, f"certificates/{made.certificates.get().pk}/remove/"))
    assert removed.status_code == 302
    assert not made.certificates.exists()


def test_certificate_of_another_connection_is_not_there(contact, orchard, dana, harbor, hal):
    theirs, mine = connections.add(harbor, "saml", by=hal), connections.add(orchard, "saml", by=dana)
    certificate = connections.add_certificate(theirs, SamlProvider().pem, by=hal)

    assert contact.post(page_of(mine, f"certificates/{certificate.pk}/remove/")).status_code == 404
    assert theirs.certificates.count() == 1


@pytest.mark.parametrize("more", ["", "check/", "test/", "on/"])
def test_connection_of_another_organization_is_not_there(contact, harbor, hal, provider, more):
    theirs = connect(harbor, provider, by=hal, on=False)

    method = contact.get if more in ("", "on/") else contact.post

    assert method(page_of(theirs, more)).status_code == 404


# ---------- showing once more who it is ----------

CHANGES = [
    ("", {"form": "oidc", "name": "x", "issuer": "https://x.example", "client_id": "c", "secret": "s"}),
    ("check/", {}),
    ("test/", {}),
    ("on/", {}),
    ("remove/", {}),
]


@pytest.mark.parametrize(("more", "given"), CHANGES)
def test_nothing_is_changed_before_the_person_has_shown_who_they_are(client, made, dana, more, given):
    client.force_login(dana)
    as_if_earlier(client)

    response = client.post(page_of(made, more), given)

    made.refresh_from_db()
    assert response.url.startswith("/sign-in/again/?next=")
    assert made.name == "Orchard login"
    assert Connection.objects.count() == 1


def test_nothing_is_kept_of_a_form_that_came_too_late(client, made, dana):
    client.force_login(dana)
    as_if_earlier(client)

    client.post(page_of(made), {"form": "oidc", "secret": "a secret that waits"})

    assert "a secret that waits" not in str(dict(client.session))


def test_a_quarter_of_an_hour_later_it_is_asked_again(contact, made):
    session = contact.session
    session[sessions.FRESH] -= 15 * 60 + 1
    session.save()

    assert contact.post(page_of(made, "remove/")).url.startswith("/sign-in/again/")
    assert "To change anything, show that it is you" in text_of(contact.get(page_of(made)))


def test_administrator_is_asked_after_five_minutes(made, ada):
    admin = signed_in(ada)
    assert admin.get(page_of(made, "remove/")).status_code == 200
    session = admin.session
    session[sessions.FRESH] -= 5 * 60 + 1
    session.save()

    assert admin.get(page_of(made, "remove/")).url.startswith("/sign-in/again/")


# ---------- administrators ----------


def test_administrator_manages_and_cannot_test(made, ada, provider):
    admin = signed_in(ada)

    page = text_of(admin.get(page_of(made)))
    response = admin.post(page_of(made, "test/"), follow=True)

    assert "A designated contact of Orchard tests it" in page
    assert "A designated contact tests it" in text_of(response)
    given = {"form": "oidc", "name": "By Ada", "issuer": provider.issuer, "client_id": "c", "secret": ""}
    assert admin.post(page_of(made), given).status_code == 302
    made.refresh_from_db()
    assert made.name == "By Ada"


# ---------- failures ----------


def test_check_names_what_is_wrong(contact, made, provider):
    provider.lie_about_discovery(issuer="https://login.other.example", jwks_uri=None)

    page = text_of(contact.post(page_of(made, "check/")))

    assert "Something is not right yet." in page
    assert "The provider calls itself https://login.other.example" in page
    assert "The provider names no jwks_uri." in page


def test_checks_are_limited(contact, made):
    for _ in range(20):
        assert contact.post(page_of(made, "check/")).status_code == 200

    assert contact.post(page_of(made, "check/")).status_code == 429


def test_test_that_fails_leads_back_and_keeps_the_reason(contact, made, provider):
    there = way_on(contact.post(page_of(made, "test/")))

    response = contact.get(provider.answer(there, "deny"))

    assert response.status_code == 403
    assert Why.DENIED.value in text_of(response)
    assert f'href="{LIST}"' in response.content.decode()
    assert Why.DENIED.value in text_of(contact.get(page_of(made)))


def test_step_before_its_time_says_what_comes_before(contact, made):
    response = contact.post(page_of(made, "on/"))

    assert response.status_code == 200
    assert "Test the connection first" in text_of(response)
    made.refresh_from_db()
    assert made.state == "draft"


@pytest.mark.parametrize("person", ["", "0", "x", "hal", "vera"])
def test_who_cannot_break_the_glass_is_refused_at_the_field(contact, made, hal, vera, dana, person):
    Connection.objects.update(state="on", tested_at="2026-01-01T00:00:00Z")
    number = {"hal": hal.pk, "vera": vera.pk}.get(person, person)

    response = contact.post(page_of(made, "require/"), {"break_glass": number})

    assert list(response.context["form"].errors) == ["break_glass"]
    made.refresh_from_db()
    assert not made.is_required


def test_step_that_is_none_is_not_there(contact, made):
    assert contact.get(page_of(made, "explode/")).status_code == 404


def test_looking_at_a_step_does_not_take_it(contact, made):
    Connection.objects.update(tested_at="2026-01-01T00:00:00Z")

    for step in ("on", "off", "remove", "require", "optional"):
        assert contact.get(page_of(made, f"{step}/")).status_code == 200
        assert contact.head(page_of(made, f"{step}/")).status_code == 200

    made.refresh_from_db()
    assert made.state == "draft"


def test_page_shows_the_address_to_share_once_it_is_on(contact, made):
    assert f"http://testserver/sso/{made.public_id}/ " not in text_of(contact.get(page_of(made)))

    Connection.objects.update(state="on")

    assert f"http://testserver/sso/{made.public_id}/ " in text_of(contact.get(page_of(made)))


def test_customer_reads_in_the_log_who_changed_what(contact, made, provider, dana):
    linked(made, dana, "s-dana")
    given = {"form": "oidc", "name": "x", "issuer": "https://x.example", "client_id": "c", "secret": "s"}
    contact.post(page_of(made), given)

    page = text_of(contact.get("/o/orchard/activity/"))

    assert (
        "Sign-in connection x: name, issuer https://x.example, client ID, client secret, state draft" in page
    )


def test_list_takes_as_many_queries_for_five_as_for_one(
    contact, made, orchard, dana, django_assert_num_queries
):
    from django.db import connection as database
    from django.test.utils import CaptureQueriesContext

    contact.get(LIST)
    with CaptureQueriesContext(database) as one:
        contact.get(LIST)
    for _ in range(4):
        connections.add(orchard, "saml", by=dana)

    with django_assert_num_queries(len(one)):
        contact.get(LIST)


def test_side_bar_leads_there_for_those_who_may(contact, vera, orchard):
    assert f'href="{LIST}"' in contact.get("/o/orchard/plan/").content.decode()
    other = Client()
    other.force_login(vera)
    assert f'href="{LIST}"' not in other.get("/o/orchard/plan/").content.decode()


def test_sign_in_page_leads_to_the_company(client, db):
    assert re.search(r'href="/sign-in/company/"', client.get("/sign-in/").content.decode())
