"""A connection on its way: described, checked, tested, switched on, required; no step before its time."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.db import IntegrityError, transaction
from django.db import connection as database

from accounts import arrivals, connections, factors
from accounts.connections import Addresses, ConnectionRefused, NotYet
from accounts.models import AuditEntry, Certificate, Connection, Identity, Role, User
from accounts.sso.claims import Claims
from accounts.sso.reasons import SignInFailed, Why
from tests.factories import make_membership, make_user
from tests.portal.providers import SECRET, SamlProvider, connect, linked, running
from tests.portal.signing import give_app

ADDRESSES = Addresses("http://testserver/c/", "http://testserver/a/", "http://testserver/m/")


@pytest.fixture(autouse=True)
def loopback(settings):
    settings.CONNECTION_HOSTS = frozenset({"localhost"})


@pytest.fixture(scope="module")
def provider():
    with running() as started:
        yield started


@pytest.fixture(autouse=True)
def honest(provider):
    provider.lies.clear()


@pytest.fixture(scope="module")
def idp():
    return SamlProvider()


@pytest.fixture
def made(orchard, dana, provider):
    """Described, not more."""
    return connect(orchard, provider, by=dana, on=False)


@pytest.fixture
def tested(made, dana):
    arrivals.tested(made, Claims("s-dana"), by=dana)
    made.refresh_from_db()
    return made


@pytest.fixture
def saml(orchard, dana, idp):
    found = connections.add(orchard, "saml", by=dana)
    connections.describe_by_metadata(found, idp.metadata, by=dana)
    found.refresh_from_db()
    return found


def entries():
    return AuditEntry.objects.filter(action="connection_changed").order_by("pk")


# ---------- described ----------


def test_secret_is_locked_in_the_database_and_never_in_the_log(made):
    with database.cursor() as cursor:
        cursor.execute("SELECT sealed_secret FROM accounts_connection")
        [(kept,)] = cursor.fetchall()

    assert SECRET not in kept
    assert connections.client_of(made, ADDRESSES).secret == SECRET
    assert entries().last().after["secret"] == "set"
    assert not any(SECRET in str(each.after) + str(each.before) for each in AuditEntry.objects.all())


def test_secret_of_another_key_is_named_as_lost(made, settings):
    settings.CONNECTION_KEY = "another key of the house, made after the first one"

    with pytest.raises(SignInFailed) as failed:
        connections.client_of(made, ADDRESSES)

    assert failed.value.why == Why.SECRET_LOST
    assert [each.is_fine for each in connections.check(made, ADDRESSES)] == [False]


def test_empty_secret_keeps_the_one_there_is(made, dana, provider):
    connections.describe_oidc(
        made, name="New name", issuer=provider.issuer, client_id="cairn", secret="", by=dana
    )
    made.refresh_from_db()

    assert made.name == "New name"
    assert connections.client_of(made, ADDRESSES).secret == SECRET


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"issuer": "http://login.example.com"}, "issuer"),
        ({"issuer": "login.example.com"}, "issuer"),
        ({"issuer": "https://u:p@login.example.com"}, "issuer"),
        ({"issuer": "https://login.example.com/.well-known/openid-configuration"}, "issuer"),
        ({"secret": ""}, "secret"),
    ],
)
def test_value_that_cannot_be_is_named_and_nothing_is_kept(orchard, dana, changes, field):
    made = connections.add(orchard, "oidc", by=dana)
    right = {"name": "x", "issuer": "https://login.example.com", "client_id": "c", "secret": "s"}

    with pytest.raises(ConnectionRefused) as refused:
        connections.describe_oidc(made, **(right | changes), by=dana)

    made.refresh_from_db()
    assert refused.value.field == field
    assert (made.issuer, made.client_id, made.sealed_secret) == ("", "", "")


def test_sixth_connection_and_unknown_kind_are_refused(orchard, dana):
    for _ in range(5):
        connections.add(orchard, "saml", by=dana)

    for kind in ("saml", "ldap", ""):
        with pytest.raises(ConnectionRefused):
            connections.add(orchard, kind, by=dana)
    assert orchard.connections.count() == 5


def test_change_is_in_the_log_with_before_and_after(made, dana, orchard):
    connections.describe_oidc(
        made, name="x", issuer="https://login.example.com", client_id="c2", secret="", by=dana
    )

    entry = entries().last()
    assert (entry.actor, entry.hat, entry.organization) == (dana, Role.CONTACT, orchard)
    assert entry.before["issuer"].startswith("http://localhost")
    assert entry.after["issuer"] == "https://login.example.com"
    assert entry.after["client_id"] == "c2"


def test_saving_the_same_again_changes_and_says_nothing(tested, dana, provider):
    count = entries().count()

    connections.describe_oidc(
        tested, name=tested.name, issuer=provider.issuer, client_id="cairn", secret="", by=dana
    )

    tested.refresh_from_db()
    assert entries().count() == count
    assert tested.tested_at is not None


def test_other_secret_has_to_be_tested_again(tested, dana, provider):
    connections.describe_oidc(
        tested, name=tested.name, issuer=provider.issuer, client_id="cairn", secret="another", by=dana
    )

    tested.refresh_from_db()
    assert tested.tested_at is None
    assert tested.identities.count() == 1


def test_other_issuer_begins_anew_without_links(tested, dana):
    """The new provider could call anybody by the old one's names."""
    connections.switch_on(tested, by=dana)

    connections.describe_oidc(
        tested, name="x", issuer="https://login.example.com", client_id="cairn", secret="", by=dana
    )

    tested.refresh_from_db()
    assert (tested.state, tested.is_required, tested.tested_at) == ("draft", False, None)
    assert not Identity.objects.exists()


# ---------- SAML ----------


def test_metadata_fills_in_everything(saml, idp):
    assert (saml.entity_id, saml.sso_url) == (idp.entity_id, idp.sso_url)
    assert saml.certificates.get().pem == idp.pem
    assert connections.is_described(saml)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: "", "not readable XML"),
        (lambda text: "<a>", "not readable XML"),
        (lambda text: "<a/>", "one provider, not 0"),
        (lambda text: f"<x>{text}{text}</x>", "one provider, not 2"),
        (lambda text: text.replace("IDPSSODescriptor", "SPSSODescriptor"), "no identity provider"),
        (lambda text: text.replace("HTTP-Redirect", "HTTP-POST"), "no sign-in address"),
        (lambda text: text.replace("https://idp.orchard.example/sso", "http://idp.example/sso"), "https://"),
        (lambda text: text.replace("X509Certificate>", "Nothing>"), "no certificate"),
        (lambda text: text.replace("<ds:X509Certificate>", "<ds:X509Certificate>AAAA"), "not a certificate"),
        (lambda text: '<!DOCTYPE a [<!ENTITY b "c">]>' + text, "not readable XML"),
        (lambda text: text + " " * 600_000, "longer than 512 KiB"),
    ],
)
def test_metadata_that_cannot_be_used_is_named_and_nothing_is_kept(orchard, dana, idp, spoil, said):
    made = connections.add(orchard, "saml", by=dana)

    with pytest.raises(ConnectionRefused, match=said) as refused:
        connections.describe_by_metadata(made, spoil(idp.metadata), by=dana)

    made.refresh_from_db()
    assert refused.value.field == "metadata"
    assert (made.entity_id, made.sso_url) == ("", "")
    assert not Certificate.objects.exists()


def small_certificate():
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "small")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=9))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lambda idp: "", "not a certificate"),
        (lambda idp: "hello", "not a certificate"),
        (lambda idp: base64.b64encode(b"hello").decode(), "not a certificate"),
        (lambda idp: idp.pem * 2, "one certificate at a time"),
        (lambda idp: "-----BEGIN PRIVATE KEY-----\nMII", "private key"),
        (lambda idp: small_certificate(), "1024 bits"),
        (lambda idp: SamlProvider(begins=-20, days=-10).pem, "has ended on"),
        (lambda idp: idp.pem, "here already"),
        (lambda idp: "x" * 21_000, "too long"),
    ],
)
def test_certificate_that_cannot_be_used_is_named(saml, dana, idp, text, said):
    with pytest.raises(ConnectionRefused, match=said):
        connections.add_certificate(saml, text(idp), by=dana)

    assert saml.certificates.count() == 1


def test_certificate_without_its_first_and_last_line_is_read(saml, dana):
    other = SamlProvider()

    connections.add_certificate(saml, "".join(other.pem.splitlines()[1:-1]), by=dana)

    assert saml.certificates.count() == 2


def test_last_certificate_of_a_connection_in_use_stays(saml, dana):
    arrivals.tested(saml, Claims("p-dana"), by=dana)
    connections.switch_on(saml, by=dana)

    with pytest.raises(NotYet, match="Add the new certificate first"):
        connections.remove_certificate(saml.certificates.get(), by=dana)

    connections.add_certificate(saml, SamlProvider().pem, by=dana)
    connections.remove_certificate(saml.certificates.order_by("pk").first(), by=dana)
    assert saml.certificates.count() == 1


# ---------- checked ----------


def findings(connection):
    return {each.title: each for each in connections.check(connection, ADDRESSES)}


def test_connection_without_a_fault_has_none(made):
    found = findings(made)

    assert all(each.is_fine for each in found.values())
    assert found["PKCE"].is_warning  # this provider does not say whether it knows PKCE


@pytest.mark.parametrize(
    ("lie", "title", "said"),
    [
        ({"issuer": "https://login.other.example"}, "The issuer is the one entered", "calls itself"),
        ({"authorization_endpoint": None}, "Authorization endpoint", "names no authorization_endpoint"),
        ({"token_endpoint": None}, "Token endpoint", "names no token_endpoint"),
        ({"token_endpoint": "http://10.0.0.1/token"}, "Token endpoint", "must begin with https"),
        ({"token_endpoint": 7}, "Token endpoint", "names no token_endpoint"),
        ({"jwks_uri": None}, "Keys", "names no jwks_uri"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE", "does not offer PKCE with S256"),
        ({"id_token_signing_alg_values_supported": ["none", "HS256"]}, "Signature of tokens", "accepted are"),
        ({"id_token_signing_alg_values_supported": None}, "Signature of tokens", "accepted are"),
        (
            {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
            "Use of the client secret",
            "is not among them",
        ),
    ],
    ids=str,
)
def test_fault_of_the_provider_is_named_by_itself(made, provider, lie, title, said):
    provider.lie_about_discovery(**lie)

    found = findings(made)

    assert not found[title].is_fine
    assert said in found[title].text
    wrong = [name for name, each in found.items() if not each.is_fine]
    assert wrong == [title]


@pytest.mark.parametrize("keys", [{"keys": []}, {"keys": [{"kty": "oct", "k": "AAAA"}]}, {"keys": 7}, {}])
def test_provider_without_keys_is_named(made, provider, keys):
    provider.lies["/jwks"] = lambda said: keys

    assert "holds no RSA or EC key" in findings(made)["The provider's keys"].text


def test_description_that_is_no_json_is_named(made, provider):
    provider.lies["/.well-known/openid-configuration"] = lambda said: b"<html>sign in</html>"

    [only] = connections.check(made, ADDRESSES)
    assert "does not answer in JSON" in only.text


@pytest.mark.parametrize(
    ("issuer", "said"),
    [
        ("http://localhost:9", "does not answer"),
        ("https://vault.internal.example", "has no public address"),
    ],
)
def test_provider_that_cannot_be_asked_is_named(made, issuer, said):
    Connection.objects.update(issuer=issuer)
    made.refresh_from_db()

    [only] = connections.check(made, ADDRESSES)
    assert not only.is_fine
    assert said in only.text


@pytest.mark.parametrize(
    ("ends_in", "is_fine", "is_warning", "said"),
    [(40, True, False, "Valid until"), (26, True, True, "Ends in 25 days"), (-1, False, True, "Ended on")],
)
def test_certificate_says_how_long_it_lasts(saml, ends_in, is_fine, is_warning, said):
    now = datetime.now(UTC)
    Certificate.objects.update(begins_at=now - timedelta(days=400), ends_at=now + timedelta(days=ends_in))

    found = next(each for each in connections.check(saml, ADDRESSES) if said in each.text)

    assert (found.is_fine, found.is_warning) == (is_fine, is_warning)


# ---------- switched ----------


def test_connection_is_switched_on_after_a_test_alone(made, dana):
    with pytest.raises(NotYet, match="Test the connection first"):
        connections.switch_on(made, by=dana)

    arrivals.tested(made, Claims("s-dana"), by=dana)
    connections.switch_on(made, by=dana)

    made.refresh_from_db()
    assert made.state == "on"
    assert Identity.objects.get().user == dana


def test_staff_cannot_be_who_tested_it(made, ada):
    with pytest.raises(SignInFailed) as failed:
        arrivals.tested(made, Claims("s-ada"), by=ada)

    assert failed.value.why == Why.STAFF
    made.refresh_from_db()
    assert made.tested_at is None


def test_second_connection_is_not_switched_on_beside_the_first(tested, saml, dana):
    connections.switch_on(tested, by=dana)
    Connection.objects.filter(pk=saml.pk).update(tested_at=datetime.now(UTC))

    with pytest.raises(NotYet, match="is on"):
        connections.switch_on(saml, by=dana)
    with pytest.raises(IntegrityError), transaction.atomic():
        Connection.objects.update(state="on")


@pytest.fixture
def app(dana):
    """Dana's authenticator app."""
    give_app(dana)
    return factors.factors(dana)[0]


def test_who_has_no_second_factor_cannot_break_the_glass_and_is_told_what_to_do(tested, dana):
    connections.switch_on(tested, by=dana)

    with pytest.raises(ConnectionRefused, match="Dana has no second factor") as no:
        connections.require(tested, dana, by=dana)

    assert no.value.field == "break_glass"
    tested.refresh_from_db()
    assert not tested.is_required


def test_who_breaks_the_glass_keeps_a_second_factor_as_long_as_it_holds(tested, dana, app):
    connections.switch_on(tested, by=dana)
    connections.require(tested, dana, by=dana)
    assert factors.demanded_by(dana) == ["Orchard"]

    with pytest.raises(factors.FactorRefused, match="Add another one"):
        factors.remove(dana, app.id)

    connections.stop_requiring(tested, by=dana)
    assert factors.remove(dana, app.id) == app


def test_lost_factor_of_who_breaks_the_glass_is_noticed_and_asked_for_again(tested, dana, vera, app, ada):
    """An administrator may take a lost factor away: then the page warns, and the next sign-in sets one up."""
    connections.switch_on(tested, by=dana)
    connections.require(tested, dana, by=dana)
    tested.refresh_from_db()
    assert connections.break_glass_is_fit(tested)

    factors.take_away(dana, [app], by=ada)

    assert not connections.break_glass_is_fit(tested)
    assert factors.is_demanded(dana)
    assert not factors.is_demanded(vera)


def test_connection_is_required_when_it_is_on_and_somebody_can_break_the_glass(tested, dana, app, vera):
    with pytest.raises(NotYet):
        connections.require(tested, dana, by=dana)
    connections.switch_on(tested, by=dana)
    for unfit in (vera, make_user("new@orchard.example")):
        with pytest.raises(ConnectionRefused):
            connections.require(tested, unfit, by=dana)

    connections.require(tested, dana, by=dana)

    tested.refresh_from_db()
    assert (tested.is_required, tested.break_glass) == (True, dana)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda user: user.set_unusable_password() or user.save(),
        lambda user: user.emailaddress_set.update(verified=False),
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user: user.memberships.update(role=Role.VIEWER),
        lambda user: user.memberships.all().delete(),
    ],
)
def test_who_could_not_come_in_that_day_cannot_break_the_glass(tested, orchard, dana, spoil):
    other = make_user("other@orchard.example")
    make_membership(other, orchard, Role.CONTACT)
    assert other in connections.break_glass_choices(orchard)

    spoil(other)

    assert other not in connections.break_glass_choices(orchard)


def test_requiring_ends_the_sessions_of_those_it_binds(tested, dana, app, vera, hal, casey):
    connections.switch_on(tested, by=dana)

    connections.require(tested, dana, by=dana)

    def epoch(user):
        return User.objects.get(pk=user.pk).auth_epoch

    assert [epoch(each) for each in (vera, dana, hal, casey)] == [1, 0, 0, 0]


def test_page_knows_who_would_be_left_out(tested, dana, vera, tara, pat, casey):
    assert {each.email for each in connections.not_linked(tested)} == {vera.email, tara.email, pat.email}
    linked(tested, vera, "s-vera")
    assert vera not in connections.not_linked(tested)


def test_database_itself_refuses_a_requirement_without_break_glass(tested):
    Connection.objects.update(state="on")

    with pytest.raises(IntegrityError), transaction.atomic():
        Connection.objects.update(is_required=True)


def test_break_glass_contact_who_has_gone_is_noticed(tested, dana, app):
    connections.switch_on(tested, by=dana)
    connections.require(tested, dana, by=dana)
    tested.refresh_from_db()
    assert connections.break_glass_is_fit(tested)

    dana.memberships.all().delete()

    assert not connections.break_glass_is_fit(tested)


def test_switching_off_lets_passwords_in_again(tested, dana, app, vera):
    connections.switch_on(tested, by=dana)
    connections.require(tested, dana, by=dana)
    assert connections.closed_by(vera)

    connections.switch_off(tested, by=dana)

    assert connections.closed_by(vera) is None


def test_connection_in_use_is_not_removed(tested, dana):
    connections.switch_on(tested, by=dana)
    with pytest.raises(NotYet):
        connections.remove(tested, by=dana)

    connections.switch_off(tested, by=dana)
    connections.remove(tested, by=dana)

    assert not Connection.objects.exists()
    assert not Identity.objects.exists()
    assert entries().last().after["removed"] == "yes"


# ---------- who is bound ----------


def test_who_is_bound_by_the_requirement(tested, dana, app, vera, pat, frank, hal, casey, ada, harbor):
    connections.switch_on(tested, by=dana)
    connections.require(tested, dana, by=dana)

    closed = {
        name
        for name, user in {
            "dana": dana,
            "vera": vera,
            "pat": pat,
            "frank": frank,
            "hal": hal,
            "casey": casey,
            "ada": ada,
        }.items()
        if connections.closed_by(user)
    }

    assert closed == {"vera", "pat"}
    make_membership(vera, harbor, Role.VIEWER)
    assert connections.closed_by(vera) is None


# ---------- identities ----------


def test_identity_belongs_to_one_subject_and_one_person(tested, orchard, dana, vera):
    for subject, user in (("s-dana", vera), ("another", dana)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Identity.objects.create(organization=orchard, connection=tested, subject=subject, user=user)


def test_subject_is_taken_to_the_letter(tested):
    Connection.objects.update(state="on")
    tested.refresh_from_db()

    for other in ("S-DANA", "s-dana ", "s-danа"):  # the last a is Cyrillic
        with pytest.raises(SignInFailed):
            arrivals.arrive(tested, Claims(other))
    assert arrivals.arrive(tested, Claims("s-dana")).user.email == "dana@orchard.example"


def test_linking_twice_is_the_same_link_and_another_subject_is_refused(tested, dana):
    assert arrivals.link(tested, Claims("s-dana"), user=dana) == Identity.objects.get()

    with pytest.raises(SignInFailed) as failed:
        arrivals.link(tested, Claims("s-dana-2"), user=dana)

    assert failed.value.why == Why.CHANGED_SUBJECT


def test_no_invitation_is_open_until_the_invitations_say_so(tested):
    Connection.objects.update(state="on")
    tested.refresh_from_db()

    with pytest.raises(SignInFailed) as failed:
        arrivals.join_by_invitation(tested, Claims("s-new", "new@orchard.example"))

    assert failed.value.why == Why.UNKNOWN_SUBJECT
