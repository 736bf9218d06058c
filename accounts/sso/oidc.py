"""OpenID Connect, the code flow with PKCE: where to send a browser, and what the answer proves."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt

from accounts.sso.claims import LONGEST_EMAIL, LONGEST_NAME, LONGEST_SUBJECT, Claims, Finding
from accounts.sso.reasons import SignInFailed, Why
from accounts.sso.web import Web, WebRefused, read_json, shown

ALGORITHMS = ["RS256", "ES256"]
KEY_TYPES = {"RS256": "RSA", "ES256": "EC"}
SCOPES = "openid email profile"
SKEW = 60  # seconds by which two clocks may differ
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True)
class Client:
    """What the customer entered, and where the answers come to."""

    issuer: str
    client_id: str
    secret: str
    callback: str


@dataclass(frozen=True)
class Pending:
    """What is kept of a sign-in that was begun, until its answer comes."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Pending":
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def discovery_of(issuer: str) -> str:
    """Where an issuer describes itself."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def discover(client: Client, web: Web) -> dict[str, Any]:
    """How the provider describes itself: its issuer is the one entered, its addresses may be used."""
    provider = web.get_json(discovery_of(client.issuer))
    if provider.get("issuer") != client.issuer:
        raise SignInFailed(Why.ISSUER, shown(str(provider.get("issuer"))))
    for name in ENDPOINTS:
        url = provider.get(name)
        if not isinstance(url, str):
            raise WebRefused(f"The provider names no {name}.")
        web.judge(url)
    return provider


def begin(client: Client, web: Web, pending: Pending, *, again: bool = False) -> str:
    """Where the browser goes to sign in; `again` asks the provider to ask once more."""
    try:
        provider = discover(client, web)
    except WebRefused as error:
        raise SignInFailed(Why.UNREACHABLE, str(error)) from error
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.callback,
        "scope": SCOPES,
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": pending.challenge,
        "code_challenge_method": "S256",
    } | ({"prompt": "login", "max_age": "0"} if again else {})
    there = provider["authorization_endpoint"]
    return f"{there}{'&' if urlsplit(there).query else '?'}{urlencode(asked)}"


def finish(client: Client, web: Web, pending: Pending, answer: Mapping[str, str]) -> Claims:
    """Who signed in, from the parameters that came back to the callback.

    raises  SignInFailed by the name of what is wrong
    """
    if said := answer.get("error"):
        denied = said == "access_denied"
        raise SignInFailed(Why.DENIED if denied else Why.PROVIDER_ERROR, "" if denied else shown(said))
    if answer.get("iss", client.issuer) != client.issuer:  # RFC 9207
        raise SignInFailed(Why.ISSUER, shown(answer["iss"]))
    if not (code := answer.get("code")):
        raise SignInFailed(Why.NO_CODE)
    try:
        provider = discover(client, web)
        tokens = redeem(client, web, provider, pending, code)
        claims = read_token(client, web, provider, pending, tokens.get("id_token"))
        return _claims(claims, _profile(claims, provider, web, tokens))
    except WebRefused as error:
        raise SignInFailed(Why.UNREACHABLE, str(error)) from error


def redeem(
    client: Client, web: Web, provider: Mapping[str, Any], pending: Pending, code: str
) -> dict[str, Any]:
    """The tokens for a code."""
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.callback,
        "code_verifier": pending.verifier,
    }
    headers: dict[str, str] = {}
    if _by_header(provider):
        pair = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        fields |= {"client_id": client.client_id, "client_secret": client.secret}
    url = provider["token_endpoint"]
    status, body = web.post_form(url, fields, headers)
    if status >= 500:
        raise WebRefused(f"{shown(url)} answered with status {status}.")
    tokens = read_json(url, body)
    if status != 200:
        raise SignInFailed(Why.CODE_REFUSED, shown(str(tokens.get("error", status))))
    return tokens


def read_token(
    client: Client, web: Web, provider: Mapping[str, Any], pending: Pending, token: object
) -> dict[str, Any]:
    """What an id token says, once everything about it is right."""
    if not isinstance(token, str):
        raise SignInFailed(Why.TOKEN)
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise SignInFailed(Why.TOKEN) from error
    if header.get("alg") not in ALGORITHMS:
        raise SignInFailed(Why.ALGORITHM, shown(str(header.get("alg"))))
    key = _key(web.get_json(provider["jwks_uri"]), header)
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[header["alg"]],
            audience=client.client_id,
            issuer=client.issuer,
            leeway=SKEW,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except jwt.PyJWTError as error:
        why = next((why for kind, why in REFUSALS if isinstance(error, kind)), Why.TOKEN)
        raise SignInFailed(why, shown(str(error))) from error
    many = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (many or "azp" in claims) and claims.get("azp") != client.client_id:
        raise SignInFailed(Why.AUDIENCE, "azp")
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), pending.nonce.encode()):
        raise SignInFailed(Why.NONCE)
    return claims


REFUSALS: tuple[tuple[type[jwt.PyJWTError], Why], ...] = (
    (jwt.InvalidSignatureError, Why.SIGNATURE),
    (jwt.ExpiredSignatureError, Why.EXPIRED),
    (jwt.ImmatureSignatureError, Why.TOO_EARLY),
    (jwt.InvalidIssuedAtError, Why.TOO_EARLY),
    (jwt.InvalidAudienceError, Why.AUDIENCE),
    (jwt.InvalidIssuerError, Why.ISSUER),
    (jwt.InvalidAlgorithmError, Why.ALGORITHM),
)


def check(client: Client, web: Web) -> list[Finding]:
    """What can be known about the connection before anybody signs in."""
    where = discovery_of(client.issuer)
    try:
        provider = web.get_json(where)
    except WebRefused as error:
        return [Finding(False, "The provider describes itself", str(error))]
    found = [Finding(True, "The provider describes itself", shown(where))]
    said = provider.get("issuer")
    found.append(
        Finding(said == client.issuer, "The issuer is the one entered")
        if said == client.issuer
        else Finding(
            False,
            "The issuer is the one entered",
            f"The provider calls itself {shown(str(said))}, entered is {shown(client.issuer)}. "
            "They must be the same to the letter.",
        )
    )
    found += [_endpoint(provider, name, web) for name in ENDPOINTS]
    found += [_pkce(provider), _algorithms(provider), _secret_way(provider)]
    if isinstance(provider.get("jwks_uri"), str):
        found.append(_keys(provider["jwks_uri"], web))
    return found


def _endpoint(provider: Mapping[str, Any], name: str, web: Web) -> Finding:
    title = f"{name.replace('_', ' ').replace('jwks uri', 'keys').capitalize()}"
    url = provider.get(name)
    if not isinstance(url, str):
        return Finding(False, title, f"The provider names no {name}.")
    try:
        web.judge(url)
    except WebRefused as error:
        return Finding(False, title, str(error))
    return Finding(True, title, shown(url))


def _pkce(provider: Mapping[str, Any]) -> Finding:
    ways = provider.get("code_challenge_methods_supported")
    if ways is None:
        return Finding(True, "PKCE", "The provider does not say; it is sent all the same.", is_warning=True)
    fine = isinstance(ways, list) and "S256" in ways
    return Finding(fine, "PKCE", "" if fine else "The provider does not offer PKCE with S256.")


def _algorithms(provider: Mapping[str, Any]) -> Finding:
    ways = provider.get("id_token_signing_alg_values_supported")
    fine = isinstance(ways, list) and bool(set(ALGORITHMS) & {each for each in ways if isinstance(each, str)})
    problem = f"The provider signs with {shown(str(ways))}; accepted are {' and '.join(ALGORITHMS)}."
    return Finding(fine, "Signature of tokens", "" if fine else problem)


def _secret_way(provider: Mapping[str, Any]) -> Finding:
    ways = provider.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    fine = isinstance(ways, list) and bool(
        {"client_secret_basic", "client_secret_post"} & set(map(str, ways))
    )
    problem = f"The provider takes {shown(str(ways))}; a client secret is not among them."
    return Finding(fine, "Use of the client secret", "" if fine else problem)


def _keys(url: str, web: Web) -> Finding:
    try:
        keys = _readable(web.get_json(url))
    except WebRefused as error:
        return Finding(False, "The provider's keys", str(error))
    if not keys:
        return Finding(False, "The provider's keys", f"{shown(url)} holds no RSA or EC key.")
    return Finding(True, "The provider's keys", f"{len(keys)} found.")


def _by_header(provider: Mapping[str, Any]) -> bool:
    ways = provider.get("token_endpoint_auth_methods_supported")
    return not isinstance(ways, list) or "client_secret_basic" in ways or "client_secret_post" not in ways


def _readable(keys: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = keys.get("keys")
    if not isinstance(listed, list):
        return []
    return [
        each
        for each in listed
        if isinstance(each, dict)
        and each.get("kty") in KEY_TYPES.values()
        and each.get("use", "sig") == "sig"
    ]


def _key(keys: Mapping[str, Any], header: Mapping[str, Any]) -> jwt.PyJWK:
    """The key that the token names; without a name, the only one of its type."""
    fitting = [each for each in _readable(keys) if each["kty"] == KEY_TYPES[header["alg"]]]
    if "kid" in header:
        fitting = [each for each in fitting if each.get("kid") == header["kid"]]
    if len(fitting) != 1:
        raise SignInFailed(Why.KEY)
    try:
        return jwt.PyJWK(fitting[0], algorithm=header["alg"])
    except jwt.PyJWTError as error:
        raise SignInFailed(Why.KEY) from error


def _profile(
    claims: dict[str, Any], provider: Mapping[str, Any], web: Web, tokens: Mapping[str, Any]
) -> dict[str, Any]:
    """The token with what the provider tells besides, when the token itself names no address."""
    url, access = provider.get("userinfo_endpoint"), tokens.get("access_token")
    if claims.get("email") or not isinstance(url, str) or not isinstance(access, str):
        return claims
    more = web.get_json(url, {"Authorization": f"Bearer {access}"})
    if more.get("sub") != claims["sub"]:
        raise SignInFailed(Why.SUBJECT, "userinfo")
    return {**claims, "email": more.get("email"), "name": claims.get("name") or more.get("name")}


def _claims(claims: Mapping[str, Any], profile: Mapping[str, Any]) -> Claims:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise SignInFailed(Why.SUBJECT)
    email, name = profile.get("email"), profile.get("name")
    return Claims(
        subject=subject,
        email=email if isinstance(email, str) and len(email) <= LONGEST_EMAIL else "",
        name=name[:LONGEST_NAME] if isinstance(name, str) else "",
        signed_in_at=_moment(claims.get("auth_time")),
    )


def _moment(seconds: object) -> datetime | None:
    if not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
