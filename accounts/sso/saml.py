"""SAML 2.0 as a service provider: where to send a browser, and what the signed answer proves.

python3-saml reads and verifies the XML. It lets pass what a response leaves out (audience, recipient, end,
request); here all of that must be there and be right.
"""

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from lxml import etree
from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from accounts.sso.claims import LONGEST_EMAIL, LONGEST_NAME, LONGEST_SUBJECT, Claims
from accounts.sso.reasons import SignInFailed, Why
from accounts.sso.web import shown

SKEW = timedelta(seconds=60)  # by which two clocks may differ
LONGEST_ANSWER = 256 * 1024  # of base64
LONGEST_METADATA = 512 * 1024
METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
EMAILS = (
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "email",
    "mail",
)
NAMES = (
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "displayName",
    "name",
)
Failed = OneLogin_Saml2_ValidationError
BROKEN = (OneLogin_Saml2_Error, Failed, etree.LxmlError, binascii.Error, ValueError, TypeError)


class MetadataRefused(ValueError):
    """The description of a provider that somebody pasted cannot be used; the message says why."""


@dataclass(frozen=True)
class Provider:
    """What the customer entered, and where the answers come to."""

    entity_id: str
    sso_url: str
    certificates: Sequence[str]  # PEM, those that are valid now; any of them may have signed
    callback: str
    audience: str  # our own entity id


@dataclass(frozen=True)
class Description:
    """What a provider's metadata says."""

    entity_id: str
    sso_url: str
    certificates: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """A response that is right in itself; whether it was asked for here is the caller's to know."""

    request: str
    claims: Claims


def begin(provider: Provider, *, again: bool = False) -> tuple[str, str]:
    """Where the browser goes to sign in, and the id of the request; `again` asks to ask once more."""
    if not provider.certificates:
        raise SignInFailed(Why.CERTIFICATE)
    request = OneLogin_Saml2_Authn_Request(_settings(provider), force_authn=again)
    there = provider.sso_url
    asked = urlencode({"SAMLRequest": request.get_request()})
    return f"{there}{'&' if urlsplit(there).query else '?'}{asked}", request.get_id()


def read(provider: Provider, answer: str, *, at: datetime | None = None) -> Answer:
    """What a response says, once everything about it is right.

    raises  SignInFailed by the name of what is wrong
    """
    if not provider.certificates:
        raise SignInFailed(Why.CERTIFICATE)
    if not 0 < len(answer) <= LONGEST_ANSWER:
        raise SignInFailed(Why.UNREADABLE)
    try:
        response = OneLogin_Saml2_Response(_settings(provider), answer)
    except BROKEN as error:
        raise SignInFailed(Why.UNREADABLE) from error
    _verify(provider, response)
    return _strictly(provider, response, at or datetime.now(UTC))


def claimed_request(answer: str) -> str:
    """The request that a response claims to answer, whether or not it can be trusted; empty if none."""
    if not 0 < len(answer) <= LONGEST_ANSWER:
        return ""
    try:
        root = OneLogin_Saml2_XML.to_etree(OneLogin_Saml2_Utils.b64decode(answer))
    except BROKEN:
        return ""
    return str(root.get("InResponseTo") or "")


def describe_ourselves(callback: str, audience: str) -> bytes:
    """Our own metadata, for a provider that reads it."""
    metadata = OneLogin_Saml2_Settings(_ours(callback, audience), sp_validation_only=True).get_sp_metadata()
    return metadata if isinstance(metadata, bytes) else str(metadata).encode()


def read_metadata(text: str) -> Description:
    """What a provider's metadata says: one provider, with a place to sign in and certificates.

    raises  MetadataRefused
    """
    if len(text) > LONGEST_METADATA:
        raise MetadataRefused(f"The metadata is longer than {LONGEST_METADATA // 1024} KiB.")
    try:
        root = OneLogin_Saml2_XML.to_etree(text.strip().encode())
    except BROKEN as error:
        raise MetadataRefused("The metadata is not readable XML.") from error
    count = sum(1 for _ in root.iter(f"{METADATA}EntityDescriptor"))
    if count != 1:
        raise MetadataRefused(f"The metadata must describe one provider, not {count}.")
    found: dict[str, Any] = OneLogin_Saml2_IdPMetadataParser.parse(text.strip().encode()).get("idp", {})
    several = found.get("x509certMulti", {}).get("signing", [])
    certificates = tuple(dict.fromkeys([found["x509cert"]] if found.get("x509cert") else several))
    if not found.get("entityId"):
        raise MetadataRefused("The metadata describes no identity provider (IDPSSODescriptor).")
    if not found.get("singleSignOnService", {}).get("url"):
        raise MetadataRefused("The metadata names no sign-in address with the HTTP-Redirect binding.")
    if not certificates:
        raise MetadataRefused("The metadata holds no certificate for signing.")
    return Description(found["entityId"], found["singleSignOnService"]["url"], certificates)


# ---------- what must hold ----------

BY_CODE: dict[int, Why] = {
    Failed.STATUS_CODE_IS_NOT_SUCCESS: Why.PROVIDER_ERROR,
    Failed.NO_SIGNED_ASSERTION: Why.UNSIGNED,
    Failed.NO_SIGNATURE_FOUND: Why.UNSIGNED,
    Failed.INVALID_SIGNATURE: Why.SIGNATURE,
    Failed.DEPRECATED_SIGNATURE_METHOD: Why.ALGORITHM,
    Failed.DEPRECATED_DIGEST_METHOD: Why.ALGORITHM,
    Failed.WRONG_ISSUER: Why.ISSUER,
    Failed.WRONG_AUDIENCE: Why.AUDIENCE,
    Failed.WRONG_DESTINATION: Why.RECIPIENT,
    Failed.EMPTY_DESTINATION: Why.RECIPIENT,
    Failed.ASSERTION_EXPIRED: Why.EXPIRED,
    Failed.SESSION_EXPIRED: Why.EXPIRED,
    Failed.ASSERTION_TOO_EARLY: Why.TOO_EARLY,
}
# Everything about how the document is put together: a signature that covers something else, above all.
REARRANGED = Why.SIGNATURE
SHAPE = {
    Failed.WRONG_NUMBER_OF_ASSERTIONS,
    Failed.WRONG_SIGNED_ELEMENT,
    Failed.ID_NOT_FOUND_IN_SIGNED_ELEMENT,
    Failed.DUPLICATED_ID_IN_SIGNED_ELEMENTS,
    Failed.INVALID_SIGNED_ELEMENT,
    Failed.DUPLICATED_REFERENCE_IN_SIGNED_ELEMENTS,
    Failed.UNEXPECTED_SIGNED_ELEMENTS,
    Failed.WRONG_NUMBER_OF_SIGNATURES_IN_RESPONSE,
    Failed.WRONG_NUMBER_OF_SIGNATURES_IN_ASSERTION,
}


def _verify(provider: Provider, response: OneLogin_Saml2_Response) -> None:
    """What python3-saml checks: schema, one assertion, its signature, issuer, times."""
    parts = urlsplit(provider.callback)
    request: dict[str, Any] = {
        "https": "on" if parts.scheme == "https" else "off",
        "http_host": parts.netloc,
        "script_name": parts.path,
        "get_data": {},
        "post_data": {},
    }
    try:
        response.is_valid(request, raise_exceptions=True)
    except Failed as error:
        why = BY_CODE.get(error.code, REARRANGED if error.code in SHAPE else Why.UNREADABLE)
        if error.code == Failed.WRONG_SUBJECTCONFIRMATION:
            why = _of_the_confirmation(provider, response)
        raise SignInFailed(why, shown(str(error))) from error
    except BROKEN as error:
        raise SignInFailed(Why.UNREADABLE, shown(str(error))) from error


def _of_the_confirmation(provider: Provider, response: OneLogin_Saml2_Response) -> Why:
    """Which part of the confirmation is wrong: python3-saml has one name for all of them."""
    for data in response._query_assertion(
        "/saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData"
    ):
        if data.get("Recipient") != provider.callback:
            return Why.RECIPIENT
        if data.get("InResponseTo") != response.get_in_response_to():
            return Why.REQUEST
    return Why.EXPIRED


def _strictly(provider: Provider, response: OneLogin_Saml2_Response, now: datetime) -> Answer:
    """What python3-saml lets pass when it is missing, or looks at too kindly."""
    request = response.get_in_response_to()
    if not request:
        raise SignInFailed(Why.REQUEST, "no InResponseTo")
    destination = response.document.get("Destination")
    if destination is not None and destination != provider.callback:
        raise SignInFailed(Why.RECIPIENT, shown(destination))
    if provider.audience not in response.get_audiences():
        raise SignInFailed(Why.AUDIENCE)
    if set(response.get_issuers()) != {provider.entity_id}:
        raise SignInFailed(Why.ISSUER)
    for each in response._query_assertion("/saml:Conditions"):
        _in_time(each, now)
    confirmations = response._query_assertion(
        f"/saml:Subject/saml:SubjectConfirmation[@Method='{Names.CM_BEARER}']/saml:SubjectConfirmationData"
    )
    if len(confirmations) != 1:
        raise SignInFailed(Why.RECIPIENT, f"{len(confirmations)} confirmations")
    [bearer] = confirmations
    if bearer.get("Recipient") != provider.callback:
        raise SignInFailed(Why.RECIPIENT, shown(str(bearer.get("Recipient"))))
    if bearer.get("InResponseTo") != request:
        raise SignInFailed(Why.REQUEST)
    if not bearer.get("NotOnOrAfter"):
        raise SignInFailed(Why.EXPIRED, "no NotOnOrAfter")
    _in_time(bearer, now)
    return Answer(request, _claims(response))


def _in_time(element: etree._Element, now: datetime) -> None:
    begins, ends = _moment(element.get("NotBefore")), _moment(element.get("NotOnOrAfter"))
    if begins and now < begins - SKEW:
        raise SignInFailed(Why.TOO_EARLY)
    if ends and now >= ends + SKEW:
        raise SignInFailed(Why.EXPIRED)


def _claims(response: OneLogin_Saml2_Response) -> Claims:
    try:
        subject, kind = response.get_nameid(), response.get_nameid_format()
        attributes = response.get_attributes()
    except BROKEN as error:
        raise SignInFailed(Why.SUBJECT, shown(str(error))) from error
    if kind == Names.NAMEID_TRANSIENT or not subject or len(subject) > LONGEST_SUBJECT:
        raise SignInFailed(Why.SUBJECT)
    email = _first(attributes, EMAILS) or (subject if kind == Names.NAMEID_EMAIL_ADDRESS else "")
    instants = [
        _moment(each.get("AuthnInstant")) for each in response._query_assertion("/saml:AuthnStatement")
    ]
    name = _first(attributes, NAMES)[:LONGEST_NAME]
    return Claims(subject, email if len(email) <= LONGEST_EMAIL else "", name, instants[0])


def _first(attributes: dict[str, list[Any]], names: Sequence[str]) -> str:
    found = (value for name in names for value in attributes.get(name, ()) if isinstance(value, str))
    return next(found, "")


def _moment(text: str | None) -> datetime | None:
    return datetime.fromtimestamp(OneLogin_Saml2_Utils.parse_SAML_to_time(text), UTC) if text else None


def _ours(callback: str, audience: str) -> dict[str, Any]:
    return {
        "strict": True,
        "sp": {
            "entityId": audience,
            "assertionConsumerService": {"url": callback, "binding": Names.BINDING_HTTP_POST},
            "NameIDFormat": Names.NAMEID_UNSPECIFIED,
        },
        "security": {
            "wantAssertionsSigned": True,
            "wantAttributeStatement": False,
            "wantNameId": True,
            "requestedAuthnContext": False,
            "rejectDeprecatedAlgorithm": True,
            "allowRepeatAttributeName": True,
            "allowSingleLabelDomains": True,
        },
    }


def _settings(provider: Provider) -> OneLogin_Saml2_Settings:
    signing = [OneLogin_Saml2_Utils.format_cert(pem, heads=False) for pem in provider.certificates]
    idp = {
        "entityId": provider.entity_id,
        "singleSignOnService": {"url": provider.sso_url, "binding": Names.BINDING_HTTP_REDIRECT},
        "x509cert": signing[0] if signing else "",
        "x509certMulti": {"signing": signing},
    }
    return OneLogin_Saml2_Settings({**_ours(provider.callback, provider.audience), "idp": idp})
