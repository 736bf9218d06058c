"""Signing in through a company's OpenID Connect provider, a real one: who gets in, and who never does."""

import re
from datetime import UTC, datetime

import jwt
import pytest
from allauth.account.adapter import get_adapter
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core import mail
from django.test import Client

from accounts import arrivals, joining
from accounts.models import AuditEntry, Connection, Identity, Membership, Role, User
from accounts.sso.reasons import STRANGER, Why
from tests.factories import PASSWORD, as_if_earlier, make_membership
from tests.portal.providers import (
    begun,
    come_through,
    connect,
    linked,
    running,
    signed_in,
    way_on,
)
from tests.portal.scored import text_of
from tests.portal.signing import SECRET as APP_SECRET
from tests.portal.signing import code_of, give_app, show

DANA = {"email": "dana@orchard.example", "name": "Dana"}


@pytest.fixture(autouse=True)
def loopback(settings):
    """The providers of these tests are on this machine, which the operator allows by name."""
    settings.CONNECTION_HOSTS = frozenset({"localhost"})


@pytest.fixture(scope="module")
def one():
    with running(
        **{
            "s-dana": DANA,
            "s-new": {"email": "nina@orchard.example", "name": "Nina"},
            "s-hal": {"email": "hal@harbor.example", "name": "Hal", "email_verified": True},
            "s-casey": {"email": "casey@vendor.example", "email_verified": True},
            "s-ada": {"email": "ada@vendor.example", "email_verified": True},
        }
    ) as provider:
        yield provider


@pytest.fixture(scope="module")
def two():
    with running(**{"s-hal": {"email": "hal@harbor.example"}, "s-dana": DANA}) as provider:
        yield provider


@pytest.fixture(autouse=True)
def honest(one, two):
    one.lies.clear()
    two.lies.clear()


@pytest.fixture
def connection(orchard, dana, one):
    """Orchard's connection, with Dana linked."""
    made = connect(orchard, one, by=dana)
    linked(made, dana, "s-dana")
    return made


@pytest.fixture
def invited(monkeypatch):
    """Says who is invited where, and hears who accepted: the contract that the invitations keep."""
    openly: dict[tuple[str, str], Role] = {}
    accepted: list[str] = []

    class Invitation:
        def __init__(self, organization, role):
            self.organization, self.role = organization, role

        def accept(self, user):
            accepted.append(user.email)
            make_membership(user, self.organization, self.role)

    def open_invitation(organization, email):
        role = openly.get((organization.slug, email))
        return Invitation(organization, role) if role else None

    monkeypatch.setattr(joining, "open_invitation", open_invitation)
    openly["accepted"] = accepted
    return openly


def is_in(client: Client) -> bool:
    return client.get("/me/").status_code == 200


def refusals() -> list[str]:
    return list(
        AuditEntry.objects.filter(action="sign_in", result="refused").values_list("reason", flat=True)
    )


# ---------- the way in ----------


def test_contact_signs_in_through_the_company(client, connection, dana, one):
    response = come_through(client, connection, one, "s-dana")

    assert response.status_code == 302
    assert response.url == "/"
    assert client.get("/").url == "/o/orchard/"
    entry = AuditEntry.objects.filter(action="sign_in", result="done").get()
    assert (entry.actor, entry.organization, entry.after) == (
        dana,
        connection.organization,
        {"connection": "Orchard login"},
    )


def test_browser_goes_on_by_a_link_with_state_nonce_and_pkce(client, connection):
    there = begun(client, connection)

    for part in ("state=", "nonce=", "code_challenge=", "code_challenge_method=S256", "response_type=code"):
        assert part in there
    assert f"redirect_uri=http%3A%2F%2Ftestserver%2Fsso%2F{connection.public_id}%2Fcallback%2F" in there


def test_looking_at_the_start_page_begins_nothing(client, connection):
    for method in (client.get, client.head):
        assert method(f"/sso/{connection.public_id}/").status_code == 200

    assert "session" not in client.cookies


def test_page_that_was_asked_for_follows_and_a_foreign_one_does_not(connection, one):
    for asked, expected in (("/o/orchard/plan/", "/o/orchard/plan/"), ("https://elsewhere.example/", "/")):
        client = Client()
        there = begun(client, connection, next=asked)
        assert client.get(one.answer(there, "s-dana")).url == expected


def test_session_gets_a_new_id_at_sign_in(client, connection, one):
    there = begun(client, connection)
    before = client.cookies["session"].value

    client.get(one.answer(there, "s-dana"))

    assert client.cookies["session"].value != before


def test_second_person_in_the_same_browser_takes_over_whole(client, connection, one, vera):
    linked(connection, vera, "s-vera")
    there = begun(client, connection)
    signed_in(vera, client)

    client.get(one.answer(there, "s-dana"))

    assert client.get("/me/").context["user"].email == "dana@orchard.example"


@pytest.mark.parametrize("state", ["off", "draft"])
def test_connection_that_is_not_on_is_not_there(client, connection, state):
    Connection.objects.update(state=state)

    known = client.get(f"/sso/{connection.public_id}/")
    random = client.get("/sso/00000000-0000-4000-8000-000000000000/")

    assert (known.status_code, random.status_code) == (404, 404)
    assert text_of(known) == text_of(random)


# ---------- A22: twelve ways to be somebody else ----------


def refused(response, why: Why) -> bool:
    """Whether nobody was let in, for this reason, and only the log knows it."""
    return response.status_code == 403 and refusals()[:1] != [] and refusals()[0].startswith(why.value)


def test_providers_claim_to_be_another_customers_contact_opens_nothing(client, connection, one, hal):
    response = come_through(client, connection, one, "s-hal")

    assert refused(response, Why.UNKNOWN_SUBJECT)
    assert STRANGER in text_of(response)
    assert not is_in(client)
    assert not Identity.objects.filter(user=hal).exists()


@pytest.mark.parametrize("who", ["casey", "ada"])
def test_providers_claim_to_be_staff_opens_nothing(client, connection, one, who, request):
    person = request.getfixturevalue(who)

    response = come_through(client, connection, one, f"s-{who}")

    assert refused(response, Why.UNKNOWN_SUBJECT)
    assert not is_in(client)
    assert not Identity.objects.filter(user=person).exists()


@pytest.mark.parametrize("who", ["casey", "ada"])
def test_staff_are_refused_even_with_an_invitation(client, connection, one, who, invited, request):
    person = request.getfixturevalue(who)
    invited["orchard", person.email] = Role.VIEWER

    response = come_through(client, connection, one, f"s-{who}")

    assert refused(response, Why.STAFF)
    assert not is_in(client)
    assert invited["accepted"] == []


def test_linked_person_who_has_become_staff_is_refused(client, connection, one, dana):
    User.objects.filter(pk=dana.pk).update(is_staff=True)

    response = come_through(client, connection, one, "s-dana")

    assert refused(response, Why.STAFF)
    assert not is_in(client)


@pytest.mark.parametrize("claims", [{}, {"email_verified": True}, {"email_verified": False}])
def test_own_contact_who_is_not_linked_is_not_linked_by_address(client, connection, vera, claims):
    with running(**{"s-vera": {"email": vera.email} | claims}) as provider:
        Connection.objects.update(issuer=provider.issuer)
        response = come_through(client, connection, provider, "s-vera")

    assert refused(response, Why.UNKNOWN_SUBJECT)
    assert not Identity.objects.filter(user=vera).exists()


def test_changed_subject_with_the_same_address_is_refused(client, connection, dana):
    with running(**{"s-dana-2": DANA}) as provider:
        Connection.objects.update(issuer=provider.issuer)
        response = come_through(client, connection, provider, "s-dana-2")

    assert refused(response, Why.CHANGED_SUBJECT)
    assert STRANGER in text_of(response)
    assert not is_in(client)


def test_same_subject_at_another_customers_provider_is_somebody_else(client, connection, two, harbor, hal):
    theirs = connect(harbor, two, by=hal)

    response = come_through(client, theirs, two, "s-dana")

    assert refused(response, Why.UNKNOWN_SUBJECT)
    assert not is_in(client)


def test_answer_of_one_connection_is_not_taken_at_another(client, connection, one, two, harbor, hal):
    theirs = connect(harbor, two, by=hal)
    linked(theirs, hal, "s-dana")
    back = one.answer(begun(client, connection), "s-dana")

    response = client.get(back.replace(str(connection.public_id), str(theirs.public_id)))

    assert refused(response, Why.MIXED_UP)
    assert not is_in(client)


def test_code_of_one_provider_is_not_taken_with_the_state_of_another(
    client, connection, one, two, harbor, hal
):
    theirs = connect(harbor, two, by=hal)
    linked(theirs, hal, "s-dana")
    theirs_back = two.answer(begun(client, theirs), "s-dana")
    state = re.search(r"state=([^&]+)", begun(client, connection)).group(1)
    code = re.search(r"code=([^&]+)", theirs_back).group(1)

    response = client.get(f"/sso/{connection.public_id}/callback/?code={code}&state={state}")

    assert refused(response, Why.CODE_REFUSED)
    assert not is_in(client)


def test_answer_that_names_another_issuer_is_refused(client, connection, one, two):
    back = one.answer(begun(client, connection), "s-dana")

    response = client.get(f"{back}&iss={two.issuer}")

    assert refused(response, Why.ISSUER)


def test_answer_without_a_start_in_this_browser_is_refused(connection, one):
    back = one.answer(begun(Client(), connection), "s-dana")
    victim = Client()

    response = victim.get(back)

    assert refused(response, Why.NOT_STARTED)
    assert not is_in(victim)


def test_answer_is_taken_once(client, connection, one):
    back = one.answer(begun(client, connection), "s-dana")
    client.get(back)

    assert refused(client.get(back), Why.NOT_STARTED)
    client.post("/sign-out/")
    assert client.get(back).status_code == 403
    assert not is_in(client)


def test_sign_in_that_took_too_long_is_refused(client, connection, one):
    back = one.answer(begun(client, connection), "s-dana")
    session = client.session
    for each in session["company_sign_ins"].values():
        each["at"] -= 601
    session.save()

    assert refused(client.get(back), Why.TOO_LATE)


# ---------- tokens that are not what they should be ----------

OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def unsigned(header, claims):
    return jwt.encode(claims, None, algorithm="none")


def signed_by_secret(header, claims):
    return jwt.encode(claims, "x" * 64, algorithm="HS256", headers={"kid": header.get("kid")})


def signed_by_another(header, claims):
    return jwt.encode(claims, OTHER_KEY, algorithm="RS256", headers={"kid": header["kid"]})


def of_unknown_key(header, claims):
    return jwt.encode(claims, OTHER_KEY, algorithm="RS256", headers={"kid": "nobody"})


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (unsigned, Why.ALGORITHM),
        (signed_by_secret, Why.ALGORITHM),
        (signed_by_another, Why.SIGNATURE),
        (of_unknown_key, Why.KEY),
        (lambda header, claims: "no token at all", Why.TOKEN),
        (lambda header, claims: 7, Why.TOKEN),
    ],
)
def test_forged_token_is_refused(client, connection, one, forge, why):
    one.lie_about_token(forge)

    assert refused(come_through(client, connection, one, "s-dana"), why)
    assert not is_in(client)


@pytest.fixture
def own_key(one):
    """Makes the provider publish a key that the test holds, so that a token is wrong in one thing alone."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(OTHER_KEY.public_key(), as_dict=True)
    one.lies["/jwks"] = lambda said: {"keys": [public | {"kid": "own", "use": "sig"}]}

    def lie(**changes):
        def forge(header, claims):
            changed = {name: value for name, value in (claims | changes).items() if value is not None}
            return jwt.encode(changed, OTHER_KEY, algorithm="RS256", headers={"kid": "own"})

        one.lie_about_token(forge)

    return lie


def test_own_key_alone_changes_nothing(client, connection, one, own_key):
    own_key()

    assert come_through(client, connection, one, "s-dana").status_code == 302


NOW = int(datetime.now(UTC).timestamp())  # or some minutes ago


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "another-app"}, Why.AUDIENCE),
        ({"aud": ["cairn", "another-app"]}, Why.AUDIENCE),
        ({"aud": ["cairn", "another-app"], "azp": "another-app"}, Why.AUDIENCE),
        ({"azp": "another-app"}, Why.AUDIENCE),
        ({"iss": "http://localhost:1"}, Why.ISSUER),
        ({"exp": NOW - 120}, Why.EXPIRED),
        ({"iat": NOW + 3600}, Why.TOO_EARLY),
        ({"nbf": NOW + 3600}, Why.TOO_EARLY),
        ({"nonce": "another"}, Why.NONCE),
        ({"nonce": None}, Why.NONCE),
        ({"exp": None}, Why.TOKEN),
        ({"sub": None}, Why.TOKEN),
        ({"sub": ""}, Why.SUBJECT),
        ({"sub": "x" * 256}, Why.SUBJECT),
    ],
    ids=lambda value: str(value) if isinstance(value, Why) else "-".join(value),
)
def test_token_that_is_wrong_in_one_thing_is_refused_by_its_name(
    client, connection, one, own_key, changes, why
):
    own_key(**changes)

    assert refused(come_through(client, connection, one, "s-dana"), why)
    assert not is_in(client)


def test_clocks_may_differ_by_a_little(client, connection, one, own_key):
    now = int(datetime.now(UTC).timestamp())
    own_key(exp=now - 5, iat=now + 20)

    assert come_through(client, connection, one, "s-dana").status_code == 302


def test_provider_that_calls_itself_otherwise_now_is_refused(client, connection, one):
    there = begun(client, connection)
    back = one.answer(there, "s-dana")
    one.lie_about_discovery(issuer="https://login.elsewhere.example")

    assert refused(client.get(back), Why.ISSUER)


def test_provider_that_says_no_is_named_in_words(client, connection, one):
    response = come_through(client, connection, one, "deny")

    assert refused(response, Why.DENIED)
    assert "it does not let you use this portal, or you cancelled" in text_of(response)
    assert re.search(r"reference [0-9A-F]{4}-[0-9A-F]{4}", text_of(response))


def test_error_that_a_stranger_wrote_into_the_address_is_not_repeated(client, connection):
    state = re.search(r"state=([^&]+)", begun(client, connection)).group(1)

    response = client.get(
        f"/sso/{connection.public_id}/callback/?state={state}&error=x&error_description=Call+555+now"
    )

    assert refused(response, Why.PROVIDER_ERROR)
    assert "555" not in text_of(response)


def test_provider_that_is_away_is_named_and_the_contact_reads_it(client, connection, dana):
    Connection.objects.update(issuer="http://localhost:9")

    response = client.post(f"/sso/{connection.public_id}/")
    connection.refresh_from_db()

    assert response.status_code == 403
    assert "cannot be reached now" in text_of(response)
    assert connection.last_error.startswith(Why.UNREACHABLE.value)


# ---------- those who may not ----------


def test_deactivated_ended_and_unknown_people_read_the_same(connection, one, dana):
    said = []
    for change in (
        lambda: User.objects.filter(pk=dana.pk).update(is_active=False),
        lambda: (
            User.objects.filter(pk=dana.pk).update(is_active=True)
            and Membership.objects.filter(user=dana).update(
                starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=datetime(2026, 1, 2, tzinfo=UTC)
            )
        ),
        lambda: Identity.objects.all().delete(),
        lambda: User.objects.filter(pk=dana.pk).update(email="gone@orchard.example"),
    ):
        change()
        client = Client()
        response = come_through(client, connection, one, "s-dana")
        said.append((response.status_code, re.sub(r"[0-9A-F]{4}-[0-9A-F]{4}", "", text_of(response))))
        assert not is_in(client)

    assert len(set(said)) == 1
    assert [reason.rstrip(".") for reason in reversed(refusals())] == [
        Why.INACTIVE,
        Why.ENDED,
        Why.UNKNOWN_SUBJECT,
        Why.UNKNOWN_SUBJECT,
    ]


def test_answers_that_nobody_waits_for_do_not_fill_the_log_or_the_page(connection):
    for number in range(5):
        Client().get(f"/sso/{connection.public_id}/callback/?state={number}&code=x")

    connection.refresh_from_db()
    assert len(refusals()) == 1
    assert connection.last_error == ""


# ---------- getting in for the first time ----------


def test_invited_person_gets_in_with_the_invited_role(client, connection, one, orchard, invited):
    invited["orchard", "nina@orchard.example"] = Role.VIEWER

    response = come_through(client, connection, one, "s-new")

    nina = User.objects.get(email="nina@orchard.example")
    assert response.status_code == 302
    assert client.get("/").url == "/o/orchard/"
    assert (nina.name, nina.has_usable_password()) == ("Nina", False)
    assert list(nina.memberships.values_list("role", flat=True)) == [Role.VIEWER]
    assert not nina.emailaddress_set.get().verified
    assert nina.identities.get().subject == "s-new"


def test_invitation_of_another_organization_lets_nobody_in_here(client, connection, one, harbor, invited):
    invited["harbor", "nina@orchard.example"] = Role.CONTACT

    assert refused(come_through(client, connection, one, "s-new"), Why.UNKNOWN_SUBJECT)
    assert not User.objects.filter(email="nina@orchard.example").exists()


def test_invitation_does_not_hand_over_a_person_of_another_organization(
    client, connection, one, hal, invited
):
    invited["orchard", hal.email] = Role.VIEWER

    response = come_through(client, connection, one, "s-hal")

    assert refused(response, Why.UNKNOWN_SUBJECT)
    assert invited["accepted"] == []
    assert not hal.identities.exists()


def test_nor_one_who_belonged_to_another_before(client, connection, one, hal, invited):
    Membership.objects.filter(user=hal).update(
        starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    invited["orchard", hal.email] = Role.VIEWER

    assert refused(come_through(client, connection, one, "s-hal"), Why.UNKNOWN_SUBJECT)


def test_refusal_behind_the_invitation_leaves_nothing_half_made(
    client, connection, one, invited, monkeypatch
):
    class Broken:
        def accept(self, user):
            pass  # gives no membership

    monkeypatch.setattr(joining, "open_invitation", lambda organization, email: Broken())

    assert refused(come_through(client, connection, one, "s-new"), Why.ENDED)
    assert not User.objects.filter(email="nina@orchard.example").exists()


# ---------- linking one's own ----------


def test_member_links_the_own_account_and_comes_in_by_it(connection, one, vera):
    client = signed_in(vera)
    there = way_on(client.post(f"/me/company/{connection.public_id}/link/"))

    response = client.get(one.answer(there, "s-vera"))

    assert response.url == "/me/company/"
    assert "Linked" in text_of(client.get("/me/company/"))
    assert come_through(Client(), connection, one, "s-vera").status_code == 302


def test_linking_asks_once_more_who_it_is(client, connection, vera):
    client.force_login(vera)
    as_if_earlier(client)

    response = client.post(f"/me/company/{connection.public_id}/link/")

    assert response.url == "/sign-in/again/?next=%2Fme%2Fcompany%2F"


def test_account_that_is_somebody_elses_is_not_linked(connection, one, vera):
    client = signed_in(vera)
    there = way_on(client.post(f"/me/company/{connection.public_id}/link/"))

    response = client.get(one.answer(there, "s-dana"))

    assert refused(response, Why.TAKEN_SUBJECT)
    assert not vera.identities.exists()


def test_person_of_another_organization_cannot_link(connection, hal):
    client = signed_in(hal)

    assert client.post(f"/me/company/{connection.public_id}/link/").status_code == 404


def test_link_that_was_begun_by_somebody_else_is_not_finished(client, connection, one, vera, tara):
    signed_in(vera, client)
    there = way_on(client.post(f"/me/company/{connection.public_id}/link/"))
    session = dict(client.session["company_sign_ins"])
    client.post("/sign-out/")
    signed_in(tara, client)
    mine = client.session
    mine["company_sign_ins"] = session
    mine.save()

    response = client.get(one.answer(there, "s-vera"))

    assert refused(response, Why.OTHER_PERSON)
    assert not Identity.objects.filter(subject="s-vera").exists()


def test_link_that_is_removed_opens_nothing_and_ends_the_session(connection, one, vera):
    linked(connection, vera, "s-vera")
    through = Client()
    come_through(through, connection, one, "s-vera")
    client = signed_in(vera)

    client.post(f"/me/company/{connection.public_id}/unlink/")

    assert not is_in(through)
    assert come_through(Client(), connection, one, "s-vera").status_code == 403


# ---------- what such a session opens ----------


def test_session_opens_the_connections_organization_and_no_other(client, connection, one, dana, harbor):
    make_membership(dana, harbor, Role.CONTACT)

    come_through(client, connection, one, "s-dana")

    assert client.get("/o/orchard/").status_code == 200
    assert client.get("/o/harbor/").status_code == 404
    assert "Harbor" not in text_of(client.get("/orgs/"))
    assert signed_in(dana).get("/o/harbor/").status_code == 200


def test_session_gives_nobody_another_way_in(client, connection, one):
    come_through(client, connection, one, "s-dana")

    assert client.get("/sign-in/password/").status_code == 403
    assert client.get("/sign-in/password/set/").status_code == 403


def test_session_ends_when_the_connection_is_switched_off(client, connection, one):
    come_through(client, connection, one, "s-dana")
    assert is_in(client)

    Connection.objects.update(state="off")

    assert not is_in(client)


def test_membership_that_ends_closes_the_pages_of_such_a_session(client, connection, one, dana):
    come_through(client, connection, one, "s-dana")
    Membership.objects.filter(user=dana).update(
        starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=datetime(2026, 1, 2, tzinfo=UTC)
    )

    assert client.get("/o/orchard/").status_code == 404


def test_deactivated_person_is_out_at_the_next_click(client, connection, one, dana):
    come_through(client, connection, one, "s-dana")
    User.objects.filter(pk=dana.pk).update(is_active=False)

    assert not is_in(client)


# ---------- showing once more who it is ----------


def aged(client):
    """The session as if its person had come in an hour ago."""
    as_if_earlier(client)


def test_person_from_the_company_shows_it_at_the_company_again(client, connection, one):
    come_through(client, connection, one, "s-dana")
    aged(client)

    asked = client.get(f"/o/orchard/connection/{connection.public_id}/?change=1")
    there = begun(client, connection, next="/o/orchard/connection/")
    response = client.get(one.answer(there, "s-dana"))

    assert asked.url.startswith(f"/sso/{connection.public_id}/?next=")
    assert "prompt=login" in there
    assert response.url == "/o/orchard/connection/"
    assert client.get(f"/o/orchard/connection/{connection.public_id}/?change=1").status_code == 200


def test_provider_that_did_not_ask_again_is_noticed(client, connection, one, own_key):
    own_key()
    come_through(client, connection, one, "s-dana")
    aged(client)
    own_key(auth_time=NOW - 3600)

    response = client.get(one.answer(begun(client, connection), "s-dana"))

    assert refused(response, Why.STALE)
    assert client.get(f"/o/orchard/connection/{connection.public_id}/?change=1").status_code == 302


def test_somebody_else_at_the_company_does_not_count_as_the_same_person(client, connection, one, vera):
    linked(connection, vera, "s-vera")
    come_through(client, connection, one, "s-dana")
    aged(client)

    response = client.get(one.answer(begun(client, connection), "s-vera"))

    assert refused(response, Why.OTHER_PERSON)


# ---------- finding it ----------


def test_one_mail_holds_the_links_of_all_ones_companies(connection, dana, two, harbor, hal):
    connect(harbor, two, by=hal)
    make_membership(dana, harbor, Role.VIEWER)

    Client().post("/sign-in/company/", {"email": dana.email.upper()})

    [message] = mail.outbox
    assert message.body.count("/sso/") == 2


def test_finding_says_the_same_for_every_address_and_the_mail_knows(
    connection, dana, hal, casey, two, harbor
):
    pages = set()
    for email in (dana.email, hal.email, casey.email, "nobody@orchard.example", "nobody@nowhere.example"):
        response = Client().post("/sign-in/company/", {"email": email}, follow=True)
        pages.add((response.status_code, text_of(response)))

    assert len(pages) == 1
    assert [message.to for message in mail.outbox] == [
        [dana.email],
        [hal.email],
        [casey.email],
        ["nobody@orchard.example"],
        ["nobody@nowhere.example"],
    ]
    with_link = [message for message in mail.outbox if f"/sso/{connection.public_id}/" in message.body]
    assert [message.to for message in with_link] == [[dana.email]]


def test_fourth_search_within_the_hour_waits(client, connection, dana):
    for _ in range(3):
        client.post("/sign-in/company/", {"email": dana.email})

    response = client.post("/sign-in/company/", {"email": dana.email})

    assert response.status_code == 429
    assert len(mail.outbox) == 3


@pytest.mark.parametrize("email", ["", "x", "a@b@c", "dana@orchard.example\nBcc: x@y.example"])
def test_what_is_no_address_is_named_at_its_field(client, db, email):
    response = client.post("/sign-in/company/", {"email": email})

    assert response.status_code == 200
    assert list(response.context["form"].errors) == ["email"]
    assert mail.outbox == []


def test_browser_that_came_through_a_company_is_offered_it_again(client, connection, one):
    come_through(client, connection, one, "s-dana")
    client.post("/sign-out/")

    assert "Go on with Orchard login" in text_of(client.get("/sign-in/company/"))
    Connection.objects.update(state="off")
    assert "Go on with" not in text_of(client.get("/sign-in/company/"))


@pytest.mark.parametrize("cookie", ["x", "", "../../me", "00000000-0000-4000-8000-000000000000"])
def test_cookie_of_a_stranger_is_not_believed(client, db, cookie):
    client.cookies["company"] = cookie

    assert client.get("/sign-in/company/").status_code == 200


# ---------- required ----------


@pytest.fixture
def required(connection, vera, dana):
    """Orchard lets its people in through the company alone; Dana may break the glass."""
    linked(connection, vera, "s-vera")
    Connection.objects.update(is_required=True, break_glass=dana)
    connection.refresh_from_db()
    return connection


def password(client, user):
    return client.post("/sign-in/", {"login": user.email, "password": PASSWORD})


def test_password_that_is_closed_reads_like_a_wrong_one(client, required, vera):
    right = password(client, vera)
    wrong = Client().post("/sign-in/", {"login": vera.email, "password": "wrong"})

    assert (right.status_code, wrong.status_code) == (200, 200)
    assert text_of(right) == text_of(wrong)
    assert not is_in(client)


def test_person_comes_in_through_the_company_when_passwords_are_closed(client, required, one):
    assert come_through(client, required, one, "s-vera").status_code == 302


def test_break_glass_contact_comes_in_with_a_password_when_the_provider_is_away(client, required, dana):
    give_app(dana)
    Connection.objects.update(issuer="http://localhost:9")

    assert password(client, dana).url == "/sign-in/factor/"
    assert show(client, code_of(APP_SECRET)).status_code == 302
    assert client.get(f"/o/orchard/connection/{required.public_id}/").status_code == 200


def test_person_of_another_organization_besides_still_has_the_password(client, required, vera, harbor):
    make_membership(vera, harbor, Role.VIEWER)

    assert password(client, vera).status_code == 302


def test_strangers_and_staff_are_not_concerned(required, hal, casey, ada):
    assert [password(Client(), each).status_code for each in (hal, casey, ada)] == [302, 302, 302]


def test_forgotten_password_leads_to_the_company(client, required, vera):
    page = client.post("/sign-in/forgotten/", {"email": vera.email}, follow=True)

    [message] = mail.outbox
    assert f"/sso/{required.public_id}/" in message.body
    assert "forgotten" not in message.body
    unknown = client.post("/sign-in/forgotten/", {"email": "nobody@orchard.example"}, follow=True)
    assert text_of(page) == text_of(unknown)


def test_link_of_a_forgotten_password_from_before_opens_nothing(client, connection, required, vera):
    Connection.objects.update(is_required=False, break_glass=None)
    client.post("/sign-in/forgotten/", {"email": vera.email})
    Connection.objects.update(is_required=True, break_glass=connection.identities.get(subject="s-dana").user)
    link = re.search(r"https?://[^/\s]+(/\S+)", mail.outbox[0].body).group(1)
    address = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(address, {"password1": "nine tall ships", "password2": "nine tall ships"})

    response = client.post("/sign-in/", {"login": vera.email, "password": "nine tall ships"})

    assert response.status_code == 200
    assert not is_in(client)


def test_other_ways_in_are_closed_when_the_company_is_required(client, required, vera, rf):
    """A passkey, or whatever allauth lets in by, goes past the password; all of it meets here."""
    request = rf.post("/")
    request.session, request.user = client.session, vera
    asked = {"email_verification": "none", "signal_kwargs": None, "email": None, "signup": False}

    response = get_adapter(request).pre_login(request, vera, redirect_url=None, **asked)
    arrivals.remember(request, vera.identities.get())
    through = get_adapter(request).pre_login(request, vera, redirect_url=None, **asked)

    assert response.url == "/sign-in/company/"
    assert through is None


def test_password_does_not_show_once_more_who_it_is_when_it_is_closed(client, required, one, vera):
    come_through(client, required, one, "s-vera")

    response = client.post("/sign-in/again/", {"password": PASSWORD})

    assert response.status_code == 200
    assert "The password is not right" in text_of(response)


def test_new_person_without_password_is_made_once(client, connection, one, invited):
    invited["orchard", "nina@orchard.example"] = Role.VIEWER
    come_through(client, connection, one, "s-new")
    del invited["orchard", "nina@orchard.example"]

    assert come_through(Client(), connection, one, "s-new").status_code == 302
    assert User.objects.filter(email="nina@orchard.example").count() == 1
