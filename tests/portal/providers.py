"""Identity providers for the tests: a real OpenID Connect one that can be made to lie, a small SAML one."""

import base64
import json
import re
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import oidc_provider_mock
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.test import Client
from lxml import etree

from accounts import arrivals, connections
from accounts.models import Connection, Organization, User
from accounts.sso.claims import Claims
from tests.factories import PASSWORD

SECRET = "a client secret nobody reads again"


def signed_in(user: User, client: Client | None = None) -> Client:
    """A browser in which this person has just entered the password."""
    client = client or Client()
    response = client.post("/sign-in/", {"login": user.email, "password": PASSWORD})
    assert response.status_code == 302, response.content.decode()
    return client


def way_on(response: Any) -> str:
    """Where the page that leaves the site goes."""
    assert response.status_code == 200, response.content.decode()
    return unescape(
        re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', response.content.decode()).group(1)
    )


# ---------- OpenID Connect ----------


class Provider:
    """A running oidc_provider_mock; `lie` changes what its answers say on the way out."""

    def __init__(self, server: Any) -> None:
        self.issuer = f"http://localhost:{server.server_port}"
        self.honest = server.app
        self.lies: dict[str, Callable[[dict[str, Any]], Any]] = {}
        server.app = self

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        lie = self.lies.get(environ["PATH_INFO"])
        if lie is None:
            return self.honest(environ, start)
        kept: list[Any] = []
        body = b"".join(self.honest(environ, lambda status, headers, *_: kept.extend([status, headers])))
        told = lie(json.loads(body))
        if isinstance(told, tuple):
            status, headers, content = told
            start(status, headers)
            return [content]
        content = told if isinstance(told, bytes) else json.dumps(told).encode()
        start(kept[0], [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
        return [content]

    def lie_about_discovery(self, **changes: Any) -> None:
        """The description with these entries; None leaves one out."""

        def told(said: dict[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in (said | changes).items() if value is not None}

        self.lies["/.well-known/openid-configuration"] = told

    def lie_about_token(self, forge: Callable[[dict[str, Any], dict[str, Any]], str]) -> None:
        """The id token made anew from its header and claims."""

        def told(said: dict[str, Any]) -> dict[str, Any]:
            token = said["id_token"]
            claims = jwt.decode(token, options={"verify_signature": False})
            return said | {"id_token": forge(jwt.get_unverified_header(token), claims)}

        self.lies["/oauth2/token"] = told

    def answer(self, there: str, subject: str) -> str:
        """Signs in there as this subject; where the browser is sent back to."""
        import http.client

        parts = urlsplit(there)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        words = "action=deny" if subject == "deny" else f"sub={subject}"
        connection.request("POST", f"{parts.path}?{parts.query}", words, form)
        response = connection.getresponse()
        location = response.getheader("Location")
        assert location, response.read().decode()
        connection.close()
        back = urlsplit(location)
        return f"{back.path}?{back.query}"


@contextmanager
def running(**people: dict[str, Any]) -> Iterator[Provider]:
    """A provider that knows these people: subject → claims."""
    known = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in people.items()]
    with oidc_provider_mock.run_server_in_thread(user_claims=known) as server:
        yield Provider(server)


def connect(organization: Organization, provider: Provider, *, by: User, on: bool = True) -> Connection:
    """A connection of the organization to this provider, on unless said otherwise."""
    connection = connections.add(organization, "oidc", by=by)
    connections.describe_oidc(
        connection,
        name=f"{organization.name} login",
        issuer=provider.issuer,
        client_id="cairn",
        secret=SECRET,
        by=by,
    )
    if on:
        Connection.objects.filter(pk=connection.pk).update(state="on", tested_at=datetime.now(UTC))
    connection.refresh_from_db()
    return connection


def linked(connection: Connection, user: User, subject: str) -> None:
    arrivals.link(connection, Claims(subject), user=user)


def begun(client: Client, connection: Connection, **fields: str) -> str:
    """Where the start page of the connection sends this browser."""
    return way_on(client.post(f"/sso/{connection.public_id}/", fields))


def come_through(client: Client, connection: Connection, provider: Provider, subject: str) -> Any:
    """The answer to a whole sign-in."""
    return client.get(provider.answer(begun(client, connection), subject))


# ---------- SAML ----------

SAMLP, SAML = "urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:2.0:assertion"
NAMES = {"samlp": SAMLP, "saml": SAML, "ds": "http://www.w3.org/2000/09/xmldsig#"}
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


class SamlProvider:
    """A provider with a key of its own, made when it is asked for."""

    entity_id = "https://idp.orchard.example/metadata"
    sso_url = "https://idp.orchard.example/sso"

    def __init__(self, *, days: int = 365, begins: int = -1) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.orchard.example")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=begins))
            .not_valid_after(now + timedelta(days=days))
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def body(self) -> str:
        return base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()

    @property
    def metadata(self) -> str:
        return (
            '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
            f' entityID="{self.entity_id}">'
            '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
            f"<ds:X509Data><ds:X509Certificate>{self.body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
            "</md:KeyDescriptor>"
            '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"'
            f' Location="{self.sso_url}"/></md:IDPSSODescriptor></md:EntityDescriptor>'
        )

    def response(
        self,
        request: str,
        *,
        subject: str,
        acs: str,
        audience: str,
        email: str = "",
        issuer: str = "",
        name_format: str = PERSISTENT,
        since: int = -5,
        until: int = 120,
        recipient: str | None = None,
        confirmed: str | None = None,
        destination: str | None = None,
        asked_at: int = -2,
        status: str = "Success",
        signs: bool = True,
        change: Callable[[etree._Element], None] = lambda root: None,
    ) -> str:
        """A response to this request, signed, as base64; `change` is made after the signature."""
        now = datetime.now(UTC)

        def at(seconds: int) -> str:
            return f"{now + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"

        issuer = issuer or self.entity_id
        attribute = (
            f'<saml:AttributeStatement><saml:Attribute Name="email"><saml:AttributeValue>{email}'
            "</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"
            if email
            else ""
        )
        restriction = (
            f"<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>"
        )
        asked = request if confirmed is None else confirmed
        text = (
            f'<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="r{uuid.uuid4().hex}"'
            f' Version="2.0" IssueInstant="{at(0)}"'
            f' Destination="{acs if destination is None else destination}"'
            + (f' InResponseTo="{request}"' if request else "")
            + f"><saml:Issuer>{issuer}</saml:Issuer>"
            '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:'
            f'{status}"/></samlp:Status>'
            f'<saml:Assertion ID="a{uuid.uuid4().hex}" Version="2.0" IssueInstant="{at(0)}">'
            f"<saml:Issuer>{issuer}</saml:Issuer>"
            f'<saml:Subject><saml:NameID Format="{name_format}">{subject}</saml:NameID>'
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            "<saml:SubjectConfirmationData"
            + (f' InResponseTo="{asked}"' if asked else "")
            + (f' Recipient="{acs if recipient is None else recipient}"' if recipient != "" else "")
            + (f' NotOnOrAfter="{at(until)}"' if until else "")
            + "/></saml:SubjectConfirmation></saml:Subject>"
            f'<saml:Conditions NotBefore="{at(since)}" NotOnOrAfter="{at(until or 120)}">'
            f"{restriction if audience else ''}</saml:Conditions>"
            f'<saml:AuthnStatement AuthnInstant="{at(asked_at)}"><saml:AuthnContext>'
            "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
            "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
            f"{attribute}</saml:Assertion></samlp:Response>"
        )
        root = etree.fromstring(text.encode())
        if signs:
            self.sign(root.find("saml:Assertion", NAMES))
        change(root)
        return base64.b64encode(etree.tostring(root)).decode()

    def sign(self, element: etree._Element) -> None:
        """An enveloped signature right after the issuer, as the schema wants it."""
        signature = xmlsec.template.create(element, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256)
        element.insert(1, signature)
        reference = xmlsec.template.add_reference(
            signature, xmlsec.Transform.SHA256, uri=f"#{element.get('ID')}"
        )
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        data = xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
        etree.SubElement(data, f"{{{NAMES['ds']}}}X509Certificate").text = self.body
        xmlsec.tree.add_ids(element, ["ID"])
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            xmlsec.KeyFormat.PEM,
        )
        context.sign(signature)


def request_in(there: str) -> etree._Element:
    """The request that a browser carries to a SAML provider."""
    packed = parse_qs(urlsplit(there).query)["SAMLRequest"][0]
    return etree.fromstring(zlib.decompress(base64.b64decode(packed), -15))
