"""Signing in through a company's SAML provider: what a response must be, and every way in which it is not."""

import base64
import copy
import re

import pytest
from django.test import Client
from lxml import etree

from accounts import arrivals, connections
from accounts.models import AuditEntry, Certificate, Connection
from accounts.sso.reasons import STRANGER, SignInFailed, Why
from tests.portal.providers import (
    NAMES,
    SAMLP,
    SamlProvider,
    begun,
    linked,
    request_in,
    signed_in,
    way_on,
)
from tests.portal.scored import text_of

TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"


@pytest.fixture(scope="module")
def provider():
    return SamlProvider()


@pytest.fixture
def connection(orchard, dana, provider):
    """Orchard's connection, described by metadata, with Dana linked."""
    made = connections.add(orchard, "saml", by=dana)
    connections.describe_by_metadata(made, provider.metadata, by=dana)
    Connection.objects.update(state="on", tested_at="2026-01-01T00:00:00Z")
    made.refresh_from_db()
    linked(made, dana, "p-dana")
    return made


def acs(connection):
    return f"http://testserver/sso/{connection.public_id}/acs/"


def audience(connection):
    return f"http://testserver/sso/{connection.public_id}/metadata/"


def answered(connection, provider, request, **changes):
    """A right answer to this request, but for the changes."""
    right = {
        "subject": "p-dana",
        "acs": acs(connection),
        "audience": audience(connection),
        "email": "dana@orchard.example",
    }
    return provider.response(request, **(right | changes))


def posted(client, connection, response):
    """What the person sees in the end: the post comes from another site, without the session's cookie."""
    arrived = Client().post(f"/sso/{connection.public_id}/acs/", {"SAMLResponse": response})
    assert arrived.status_code == 303, arrived.content.decode()
    return client.get(arrived.url)


def come_through(client, connection, provider, **changes):
    request = request_in(begun(client, connection)).get("ID")
    return posted(client, connection, answered(connection, provider, request, **changes))


def is_in(client):
    return client.get("/me/").status_code == 200


def refused(response, why):
    found = AuditEntry.objects.filter(action="sign_in", result="refused").values_list("reason", flat=True)
    return response.status_code == 403 and list(found[:1]) != [] and found[0].startswith(why.value)


def test_contact_signs_in_through_the_company(client, connection, provider, dana):
    response = come_through(client, connection, provider)

    assert response.status_code == 302
    assert client.get("/").url == "/o/orchard/"
    assert AuditEntry.objects.get(action="sign_in", result="done").after == {"connection": "Orchard"}


def test_request_names_us_and_where_the_answer_goes(client, connection):
    there = begun(client, connection)
    request = request_in(there)

    assert there.startswith("https://idp.orchard.example/sso?SAMLRequest=")
    assert request.get("AssertionConsumerServiceURL") == acs(connection)
    assert request.get("ForceAuthn") is None
    assert request.findtext("saml:Issuer", namespaces=NAMES) == audience(connection)


def test_our_metadata_says_the_same(client, connection):
    response = client.get(f"/sso/{connection.public_id}/metadata/")
    root = etree.fromstring(response.content)
    service = root.find(".//{urn:oasis:names:tc:SAML:2.0:metadata}AssertionConsumerService")

    assert root.get("entityID") == audience(connection)
    assert service.get("Location") == acs(connection)
    assert 'WantAssertionsSigned="true"' in response.content.decode()


# ---------- what is wrong in one thing ----------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"signs": False}, Why.UNSIGNED),
        ({"audience": "https://another.example/"}, Why.AUDIENCE),
        ({"audience": ""}, Why.AUDIENCE),
        ({"issuer": "https://idp.elsewhere.example/"}, Why.ISSUER),
        ({"recipient": "http://testserver/sso/other/acs/"}, Why.RECIPIENT),
        ({"recipient": ""}, Why.RECIPIENT),
        ({"destination": "http://elsewhere.example/acs/"}, Why.RECIPIENT),
        ({"until": -120, "since": -400}, Why.EXPIRED),
        ({"until": 0}, Why.EXPIRED),
        ({"since": 3600, "until": 7200}, Why.TOO_EARLY),
        ({"since": 90, "until": 300}, Why.TOO_EARLY),  # more than a minute: python3-saml would let it pass
        ({"until": -90, "since": -200}, Why.EXPIRED),
        ({"confirmed": "another-request"}, Why.REQUEST),
        ({"confirmed": ""}, Why.REQUEST),
        ({"status": "Responder"}, Why.PROVIDER_ERROR),
        ({"name_format": TRANSIENT}, Why.SUBJECT),
        ({"subject": ""}, Why.SUBJECT),
        ({"subject": "x" * 256}, Why.SUBJECT),
    ],
    ids=str,
)
def test_response_that_is_wrong_in_one_thing_is_refused_by_its_name(
    client, connection, provider, changes, why
):
    assert refused(come_through(client, connection, provider, **changes), why)
    assert not is_in(client)


def test_response_of_another_key_is_refused(client, connection):
    """Its own certificate comes along in it, and fits; nobody here has entered that one."""
    assert refused(come_through(client, connection, SamlProvider()), Why.SIGNATURE)
    assert not is_in(client)


def test_response_that_was_changed_after_the_signature_is_refused(client, connection, provider):
    def somebody_else(root):
        root.find(".//saml:NameID", NAMES).text = "p-hal"

    assert refused(come_through(client, connection, provider, change=somebody_else), Why.SIGNATURE)


def test_comment_in_the_name_does_not_shorten_it(client, connection, provider, vera):
    """The old trick: canonical XML leaves comments out of the signature, a careless reader stops at them."""
    linked(connection, vera, "p-dana.evil")

    def comment(root):
        name = root.find(".//saml:NameID", NAMES)
        name.text = "p-dana"
        note = etree.Comment("x")
        note.tail = ".evil"
        name.append(note)

    response = come_through(client, connection, provider, subject="p-dana.evil", change=comment)

    assert response.status_code == 302
    assert client.get("/me/").context["user"] == vera


# ---------- wrapping: the signed assertion is there, and another one is read ----------


def forged(root):
    """A copy of the signed assertion, without its signature, that names somebody else."""
    copied = copy.deepcopy(root.find("saml:Assertion", NAMES))
    copied.remove(copied.find("ds:Signature", NAMES))
    copied.set("ID", "forged")
    copied.find(".//saml:NameID", NAMES).text = "p-hal"
    return copied


def beside(root):
    root.insert(2, forged(root))


def after(root):
    root.append(forged(root))


def around(root):
    """The forged one outside, the signed one inside it."""
    outer, inner = forged(root), root.find("saml:Assertion", NAMES)
    root.replace(inner, outer)
    outer.append(inner)


def inside_the_signature(root):
    """The forged one takes the signature, the signed one moves into an Object of it."""
    outer, inner = forged(root), root.find("saml:Assertion", NAMES)
    signature = inner.find("ds:Signature", NAMES)
    inner.remove(signature)
    etree.SubElement(signature, f"{{{NAMES['ds']}}}Object").append(inner)
    outer.insert(1, signature)
    root.append(outer)


def in_an_extension(root):
    outer, inner = forged(root), root.find("saml:Assertion", NAMES)
    root.replace(inner, outer)
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    extensions.append(inner)
    root.insert(1, extensions)


def same_id(root):
    copied = forged(root)
    copied.set("ID", root.find("saml:Assertion", NAMES).get("ID"))
    root.insert(2, copied)


@pytest.mark.parametrize(
    "wrap",
    [beside, after, around, inside_the_signature, in_an_extension, same_id],
    ids=lambda each: each.__name__,
)
def test_wrapped_response_is_refused(client, connection, provider, hal, wrap):
    response = come_through(client, connection, provider, change=wrap)

    assert refused(response, Why.SIGNATURE)
    assert not is_in(client)


def test_signature_around_the_whole_response_does_not_stand_in_for_the_assertions(
    client, connection, provider
):
    def sign_all(root):
        provider.sign(root)

    response = come_through(client, connection, provider, signs=False, change=sign_all)

    assert refused(response, Why.UNSIGNED)


# ---------- replayed, mixed up, unreadable ----------


def test_response_is_taken_once(client, connection, provider):
    request = request_in(begun(client, connection)).get("ID")
    response = answered(connection, provider, request)
    posted(client, connection, response)

    assert refused(posted(client, connection, response), Why.NOT_STARTED)
    client.post("/sign-out/")
    assert posted(client, connection, response).status_code == 403
    assert not is_in(client)
    assert refused(posted(Client(), connection, response), Why.NOT_STARTED)


def test_page_that_finishes_works_once(client, connection, provider):
    request = request_in(begun(client, connection)).get("ID")
    sent = {"SAMLResponse": answered(connection, provider, request)}
    there = Client().post(f"/sso/{connection.public_id}/acs/", sent).url
    client.get(there)

    assert refused(client.get(there), Why.NOT_STARTED)
    client.post("/sign-out/")

    assert client.get(there).status_code == 403
    assert not is_in(client)


def test_response_that_nobody_asked_for_is_refused(client, connection, provider):
    """Signing in that begins at the provider could be begun by anybody for anybody."""
    assert refused(posted(client, connection, answered(connection, provider, "")), Why.NOT_STARTED)
    assert refused(posted(client, connection, answered(connection, provider, "_of-mine")), Why.NOT_STARTED)


def test_response_without_a_request_is_refused_before_anybody_looks_who_waits(connection, provider):
    ours = connections.Addresses("", acs(connection), audience(connection))

    with pytest.raises(SignInFailed) as failed:
        arrivals.read_saml(connection, ours, answered(connection, provider, ""))

    assert failed.value.why == Why.REQUEST


def test_response_for_another_browser_is_refused(connection, provider):
    mine, victim = Client(), Client()
    request = request_in(begun(mine, connection)).get("ID")

    response = posted(victim, connection, answered(connection, provider, request))

    assert refused(response, Why.NOT_STARTED)
    assert not is_in(victim)


def test_answer_of_one_connection_is_not_finished_at_another(client, connection, provider, harbor, hal):
    theirs = connections.add(harbor, "saml", by=hal)
    connections.describe_by_metadata(theirs, provider.metadata, by=hal)
    Connection.objects.update(state="on")
    linked(theirs, hal, "p-dana")
    request = request_in(begun(client, connection)).get("ID")

    at_theirs = posted(client, theirs, answered(theirs, provider, request))

    assert refused(at_theirs, Why.MIXED_UP)
    assert not is_in(client)


def test_answer_read_for_one_connection_is_not_carried_to_another(client, connection, provider, harbor, hal):
    theirs = connections.add(harbor, "saml", by=hal)
    connections.describe_by_metadata(theirs, provider.metadata, by=hal)
    Connection.objects.update(state="on")
    linked(theirs, hal, "p-dana")
    request = request_in(begun(client, theirs)).get("ID")
    sent = {"SAMLResponse": answered(connection, provider, request)}
    there = Client().post(f"/sso/{connection.public_id}/acs/", sent).url

    response = client.get(there.replace(str(connection.public_id), str(theirs.public_id)))

    assert refused(response, Why.MIXED_UP)
    assert not is_in(client)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not base64 at all!",
        base64.b64encode(b"not xml").decode(),
        base64.b64encode(b"<a/>").decode(),
        base64.b64encode(b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>').decode(),
        base64.b64encode(f'<samlp:Response xmlns:samlp="{SAMLP}" Version="2.0" ID="x"/>'.encode()).decode(),
        "A" * 300_000,
    ],
    ids=["empty", "text", "no xml", "another root", "entities", "bare", "long"],
)
def test_what_is_no_response_is_refused_and_nothing_breaks(client, connection, text):
    begun(client, connection)

    response = posted(client, connection, text)

    assert response.status_code == 403
    assert not is_in(client)


@pytest.mark.parametrize("answer", ["", "x", "gAAAAABnot-a-token"])
def test_answer_that_we_did_not_lock_is_refused(client, connection, answer):
    assert client.get(f"/sso/{connection.public_id}/finish/", {"answer": answer}).status_code == 403


def test_page_says_nothing_of_whom_we_know(client, connection, provider):
    response = come_through(client, connection, provider, subject="p-nobody", email="vera@orchard.example")

    assert refused(response, Why.UNKNOWN_SUBJECT)
    assert STRANGER in text_of(response)
    assert re.search(r"reference [0-9A-F]{4}-[0-9A-F]{4}", text_of(response))


def test_old_hash_is_refused(client, connection, provider):
    def weaken(root):
        method = root.find(".//ds:SignatureMethod", NAMES)
        method.set("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")

    assert refused(come_through(client, connection, provider, change=weaken), Why.ALGORITHM)


# ---------- certificates over time ----------


def test_new_and_old_certificate_overlap_and_the_old_one_goes(client, connection, provider, dana):
    new = SamlProvider()
    connections.add_certificate(connection, new.pem, by=dana)

    assert come_through(Client(), connection, provider).status_code == 302
    assert come_through(Client(), connection, new).status_code == 302

    old = connection.certificates.order_by("pk").first()
    connections.remove_certificate(old, by=dana)

    assert refused(come_through(Client(), connection, provider), Why.SIGNATURE)
    assert come_through(Client(), connection, new).status_code == 302


def test_certificate_that_has_ended_verifies_nothing(client, connection, provider):
    request = request_in(begun(client, connection)).get("ID")
    Certificate.objects.update(begins_at="2020-01-01T00:00:00Z", ends_at="2021-01-01T00:00:00Z")

    assert refused(posted(client, connection, answered(connection, provider, request)), Why.CERTIFICATE)


def test_sign_in_without_a_valid_certificate_is_not_even_begun(client, connection):
    Certificate.objects.update(begins_at="2020-01-01T00:00:00Z", ends_at="2021-01-01T00:00:00Z")

    assert client.post(f"/sso/{connection.public_id}/").status_code == 403


# ---------- the contact's test, and showing it again ----------


def test_contact_tests_and_is_linked(client, connection, provider, dana):
    connection.identities.all().delete()
    Connection.objects.update(state="draft", tested_at=None)
    signed_in(dana, client)
    there = way_on(client.post(f"/o/orchard/connection/{connection.public_id}/test/"))

    response = posted(client, connection, answered(connection, provider, request_in(there).get("ID")))
    connection.refresh_from_db()

    assert response.url == f"/o/orchard/connection/{connection.public_id}/"
    assert connection.tested_at is not None
    assert dana.identities.get().subject == "p-dana"


def test_test_that_fails_tells_the_contact_why(client, connection, dana):
    signed_in(dana, client)
    Connection.objects.update(tested_at=None)
    there = way_on(client.post(f"/o/orchard/connection/{connection.public_id}/test/"))

    wrong = answered(connection, SamlProvider(), request_in(there).get("ID"))
    response = posted(client, connection, wrong)
    connection.refresh_from_db()

    assert Why.SIGNATURE.value in text_of(response)
    assert connection.tested_at is None
    assert connection.last_error.startswith(Why.SIGNATURE.value)


def test_provider_is_asked_to_ask_again(client, connection, provider):
    come_through(client, connection, provider)
    request = request_in(begun(client, connection, next="/o/orchard/connection/"))

    stale = posted(client, connection, answered(connection, provider, request.get("ID"), asked_at=-3600))
    request = request_in(begun(client, connection, next="/o/orchard/connection/"))
    fresh = posted(client, connection, answered(connection, provider, request.get("ID")))

    assert request.get("ForceAuthn") == "true"
    assert refused(stale, Why.STALE)
    assert fresh.url == "/o/orchard/connection/"


def test_name_that_is_an_address_is_a_name_like_any_other(client, connection, provider, vera):
    """With the e-mail address as name, it is the subject that counts, and it must have been linked."""
    response = come_through(
        client, connection, provider, subject=vera.email, name_format=EMAIL_FORMAT, email=""
    )

    assert refused(response, Why.UNKNOWN_SUBJECT)
