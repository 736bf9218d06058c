"""Second factors: set up, shown, lost; who must have one; and that there is no way around them."""

import base64
import json
import logging
import re
import time
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from accounts import factors, lost_factors
from accounts.lost_factors import ResetRefused
from accounts.models import Action, AuditEntry, RecoveryCode, Result, Role, User
from tests.factories import PASSWORD, make_membership
from tests.portal.scored import text_of
from tests.portal.signing import SECRET, code_of, enters, give_app, half_way, link_in, show, sign_in
from tests.test_doors import DOORS, names

NEW = "nine tall ships at anchor"


@pytest.fixture
def with_app(dana):
    """Dana, who has an authenticator app."""
    give_app(dana)
    return dana


@pytest.fixture
def strict(settings):
    """Staff need a second factor, as in production."""
    settings.STAFF_SECOND_FACTOR = True


def signed_in(user: User) -> Client:
    """A session with the factor shown, for those who have one."""
    client = Client()
    if sign_in(client, user).url == "/sign-in/factor/":
        show(client, code_of(SECRET))
    assert enters(client)
    return client


def secret_on(page) -> str:
    return re.search(r'<span class="secret">([A-Z2-7]+)</span>', page.content.decode()).group(1)


def refusals(user: User) -> list[str]:
    found = AuditEntry.objects.filter(action=Action.SIGN_IN, result=Result.REFUSED, target_id=str(user.pk))
    return list(found.values_list("reason", flat=True))


# ---------- an app ----------


def test_contact_adds_an_app_and_signs_in_with_its_code(client, dana):
    sign_in(client, dana)
    secret = secret_on(client.get("/me/factors/app/"))

    done = client.post("/me/factors/app/", {"code": code_of(secret)})
    client.post("/sign-out/")
    half = half_way(dana)
    response = show(half, code_of(secret, steps=1))

    assert done.url == "/me/factors/codes/"
    assert response.url == "/"
    assert enters(half)
    entry = AuditEntry.objects.filter(action=Action.SIGN_IN, result=Result.DONE).first()
    assert entry.after == {"with": "password, authenticator app"}


def test_app_with_a_wrong_first_code_is_not_added(client, dana):
    sign_in(client, dana)
    secret = secret_on(client.get("/me/factors/app/"))

    response = client.post("/me/factors/app/", {"code": code_of(secret, steps=9)})

    assert list(response.context["form"].errors) == ["code"]
    assert secret_on(response) == secret
    assert not factors.has_factor(dana)


def test_secret_of_an_app_is_closed_in_the_database(with_app):
    stored = Authenticator.objects.get(user=with_app).data["secret"]

    assert SECRET not in json.dumps(stored)
    assert factors.use_app_code(with_app, code_of(SECRET))


def test_code_of_an_app_counts_once(with_app):
    code = code_of(SECRET)

    assert show(half_way(with_app), code).url == "/"
    again = show(half_way(with_app), code)

    assert "That is not right" in text_of(again)


def test_code_counts_once_whatever_the_cache_forgets(with_app):
    from django.core.cache import cache

    assert factors.use_app_code(with_app, code_of(SECRET))
    cache.clear()

    assert factors.use_app_code(with_app, code_of(SECRET)) is None
    assert factors.use_app_code(with_app, code_of(SECRET, steps=-1)) is None


def test_code_that_added_the_app_does_not_sign_in(client, dana):
    sign_in(client, dana)
    secret = secret_on(client.get("/me/factors/app/"))
    code = code_of(secret)
    client.post("/me/factors/app/", {"code": code})

    assert "That is not right" in text_of(show(half_way(dana), code))


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clock_of_an_app_may_differ_by_half_a_minute(steps, counts):
    at = time.time()

    assert (factors.counter_of(SECRET, code_of(SECRET, steps=steps), at=at) is not None) is counts


def test_sixth_code_waits_even_if_it_is_right(with_app):
    half = half_way(with_app)
    for _ in range(5):
        assert "That is not right" in text_of(show(half, "000000"))

    response = show(half, code_of(SECRET))

    assert "There is a pause of 15 minutes" in text_of(response)
    assert not enters(half)
    assert refusals(with_app).count("The code is not right.") == 5


def test_pause_holds_in_every_browser_and_for_recovery_codes(with_app):
    codes = factors.make_codes(with_app)
    half = half_way(with_app)
    for _ in range(5):
        show(half, "ABCD-EFGH-JKLM-NPQR")

    other = half_way(with_app)

    assert "There is a pause" in text_of(show(other, codes[0]))
    assert "There is a pause" in text_of(show(other, code_of(SECRET)))


# ---------- recovery codes ----------


def test_ten_codes_are_shown_once_and_kept_as_digests(with_app):
    client = signed_in(with_app)

    page = client.post("/me/factors/codes/").content.decode()
    codes = re.findall(r"<li>((?:[A-Z2-9]{4}-){3}[A-Z2-9]{4})</li>", page)

    assert len(set(codes)) == 10
    stored = json.dumps(list(RecoveryCode.objects.values_list("digest", flat=True)))
    assert not any(code.replace("-", "") in stored for code in codes)
    assert not any(code in client.get("/me/factors/codes/").content.decode() for code in codes)


def test_recovery_code_lets_in_once(with_app):
    code = factors.make_codes(with_app)[0]

    assert show(half_way(with_app), code.lower().replace("-", " ")).url == "/"
    again = show(half_way(with_app), code)

    assert "That is not right" in text_of(again)
    assert factors.codes_left(with_app) == 9
    entry = AuditEntry.objects.filter(action=Action.SIGN_IN, result=Result.DONE).first()
    assert entry.after == {"with": "password, recovery code"}


def test_recovery_code_of_another_lets_nobody_in(with_app, hal):
    give_app(hal)
    theirs = factors.make_codes(hal)[0]

    assert "That is not right" in text_of(show(half_way(with_app), theirs))


def test_new_codes_end_the_old_ones(with_app):
    old = factors.make_codes(with_app)[0]
    new = factors.make_codes(with_app)[0]

    assert not factors.use_recovery_code(with_app, old)
    assert factors.use_recovery_code(with_app, new)


def test_recovery_codes_need_a_factor_to_stand_in_for(client, dana):
    sign_in(client, dana)

    assert client.post("/me/factors/codes/").url == "/me/factors/"
    assert not RecoveryCode.objects.exists()


def test_codes_are_only_made_for_those_who_showed_lately_that_it_is_them(with_app):
    client = signed_in(with_app)
    session = client.session
    session["fresh"] -= 3600
    session.save()

    assert client.post("/me/factors/codes/").url.startswith("/sign-in/again/")
    assert client.get("/me/factors/app/").status_code == 302
    assert not RecoveryCode.objects.exists()


def test_code_shown_again_is_enough(with_app):
    client = signed_in(with_app)
    session = client.session
    session["fresh"] -= 3600
    session.save()

    response = client.post("/sign-in/again/code/?next=/me/factors/codes/", {"code": code_of(SECRET, steps=1)})

    assert response.url == "/me/factors/codes/"
    assert client.get("/me/factors/codes/").status_code == 200


# ---------- taking one away ----------


def remove(client: Client, user: User):
    return client.post(f"/me/factors/{factors.factors(user)[0].id}/remove/", follow=True)


def test_factor_is_removed_with_its_codes_after_a_question(with_app):
    factors.make_codes(with_app)
    client = signed_in(with_app)

    question = client.get(f"/me/factors/{factors.factors(with_app)[0].id}/remove/")
    assert factors.has_factor(with_app)
    response = remove(client, with_app)

    assert "Remove Authenticator app?" in text_of(question)
    assert "Authenticator app removed" in text_of(response)
    assert not factors.has_factor(with_app)
    assert not RecoveryCode.objects.exists()


def test_last_factor_of_staff_is_not_removed(casey, strict):
    give_app(casey)

    response = remove(signed_in(casey), casey)

    assert "You need a second factor" in text_of(response)
    assert factors.has_factor(casey)


def test_factor_of_another_is_not_there(with_app, hal):
    client = signed_in(hal)
    theirs = factors.factors(with_app)[0].id

    response = client.post(f"/me/factors/{theirs}/remove/", follow=True)

    assert "not there any more" in text_of(response)
    assert factors.has_factor(with_app)


# ---------- what the person is told, and what others lose ----------


def test_every_change_of_a_factor_signs_out_everybody_else(client, dana):
    other = signed_in(dana)
    sign_in(client, dana)
    secret = secret_on(client.get("/me/factors/app/"))

    client.post("/me/factors/app/", {"code": code_of(secret)})

    assert enters(client)
    assert not enters(other)


def test_person_is_told_of_every_change_without_a_secret(client, dana):
    sign_in(client, dana)
    secret = secret_on(client.get("/me/factors/app/"))
    client.post("/me/factors/app/", {"code": code_of(secret)})
    page = client.post("/me/factors/codes/").content.decode()
    remove(client, dana)
    client.post("/sign-in/password/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})

    assert [message.subject for message in mail.outbox] == [
        "A second factor was added at Cairn",
        "New recovery codes at Cairn",
        "A second factor was removed at Cairn",
        "Your password was changed at Cairn",
    ]
    codes = re.findall(r"(?:[A-Z2-9]{4}-){3}[A-Z2-9]{4}", page)
    for message in mail.outbox:
        assert message.to == [dana.email]
        assert "run by Lodestone" in message.body
        assert not any(word in message.body for word in (secret, PASSWORD, NEW, *codes))


# ---------- who must have one ----------


@pytest.mark.parametrize("who", ["casey", "gus", "lena", "otto", "ada"])
def test_staff_set_up_a_factor_before_anything_opens(who, strict, request):
    user, client = request.getfixturevalue(who), Client()

    sign_in(client, user)
    assert client.get("/orgs/").url == "/me/factors/"
    assert "Lodestone asks for it" in text_of(client.get("/me/factors/"))
    secret = secret_on(client.get("/me/factors/app/"))
    client.post("/me/factors/app/", {"code": code_of(secret)})

    assert enters(client)


def test_contact_needs_none_by_default(client, dana, strict):
    sign_in(client, dana)

    assert enters(client)


def demand(client: Client, what: str = "demanded"):
    return client.post("/o/orchard/sign-in/", {"second_factor": what}, follow=True)


def test_organization_demands_a_factor_of_its_people(client, dana, vera, pat, hal, orchard):
    others, stranger = [signed_in(vera), signed_in(pat)], signed_in(hal)
    sign_in(client, dana)

    demand(client)

    assert client.get("/orgs/").url == "/me/factors/"  # whoever asks it of others is asked at once
    assert not any(enters(other) for other in others)
    assert enters(stranger)
    again = Client()
    sign_in(again, vera)
    assert again.get("/orgs/").url == "/me/factors/"
    assert "Orchard asks for it" in text_of(again.get("/me/factors/"))
    entry = AuditEntry.objects.get(action=Action.CONNECTION_CHANGED)
    assert (entry.actor, entry.organization, entry.hat) == (dana, orchard, "contact")
    assert entry.after == {"demands_factor": True}


def test_organization_stops_demanding(client, dana, vera, orchard):
    orchard.demands_factor = True
    orchard.save()
    give_app(dana)

    demand(signed_in(dana), "free")

    sign_in(client, vera)
    assert enters(client)


def test_staff_of_the_organization_are_not_its_people(client, casey, orchard):
    orchard.demands_factor = True
    orchard.save()
    sign_in(client, casey)

    assert enters(client)


def test_person_who_joins_such_an_organization_is_asked_within_minutes(hal, orchard):
    orchard.demands_factor = True
    orchard.save()
    client = signed_in(hal)
    make_membership(hal, orchard, Role.VIEWER)
    session = client.session
    session["asked"] -= 301
    session.save()

    assert client.get("/orgs/").url == "/me/factors/"


@pytest.mark.parametrize("value", ["", "maybe", "on"])
def test_demand_that_is_neither_is_named_and_refused(client, dana, orchard, value):
    sign_in(client, dana)

    response = demand(client, value)

    assert list(response.context["form"].errors) == ["second_factor"]
    orchard.refresh_from_db()
    assert not orchard.demands_factor


# ---------- no way around (A20) ----------

PUBLIC_WITHOUT_A_PERSON = {"account_login", "account_logout", "mfa_authenticate", "theme"}
SET_UP = {
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "account_reauthenticate",
    "account_logout",
    "theme",
}


@pytest.fixture
def every_door(orchard):
    """Every address of the site, as the table of doors has it."""
    assert sorted(door.name for door in DOORS) == sorted(names(get_resolver()))
    return DOORS


@pytest.mark.any_database
@pytest.mark.parametrize("method", ["get", "post", "head", "put", "delete", "options"])
def test_half_way_in_reaches_the_factor_and_nothing_else(every_door, with_app, method):
    half = half_way(with_app)
    for door in every_door:
        if door.name in PUBLIC_WITHOUT_A_PERSON:
            continue
        response = getattr(half, method)(door.address)

        if door.address.startswith("/api/"):
            assert response.status_code == 403, door.address
        else:
            assert (response.status_code, response["Location"]) == (302, "/sign-in/factor/"), door.address
    assert not enters(half)
    assert show(half, code_of(SECRET)).url == "/"


@pytest.mark.any_database
@pytest.mark.parametrize("method", ["get", "post", "head", "put", "delete", "options"])
def test_without_the_factor_that_is_demanded_only_setting_one_up_is_open(every_door, ada, strict, method):
    client = Client()
    client.force_login(ada)
    for door in every_door:
        if door.name in SET_UP:
            continue
        response = getattr(client, method)(door.address)

        if door.address.startswith("/api/"):
            assert response.status_code == 403, door.address
        else:
            assert (response.status_code, response["Location"]) == (302, "/me/factors/"), door.address


def test_half_way_in_may_give_up(with_app):
    client = half_way(with_app)

    client.post("/sign-out/")

    assert client.get("/sign-in/").status_code == 200
    assert client.get("/sign-in/factor/").url == "/sign-in/"


def test_half_way_in_ends_by_itself(with_app):
    client = half_way(with_app)
    session = client.session
    session["account_login"]["initiated_at"] -= 901
    session.save()

    assert show(client, code_of(SECRET)).url == "/sign-in/"
    assert not enters(client)


def test_setting_a_forgotten_password_anew_keeps_the_factor(with_app):
    client = Client()
    client.post("/sign-in/forgotten/", {"email": with_app.email})
    address = client.get(link_in(mail.outbox[0]), follow=True).redirect_chain[-1][0]
    client.post(address, {"password1": NEW, "password2": NEW})

    assert not enters(client)
    assert sign_in(client, with_app, NEW).url == "/sign-in/factor/"
    assert factors.has_factor(with_app)


def test_password_in_the_header_opens_nothing(with_app, orchard):
    basic = base64.b64encode(f"{with_app.email}:{PASSWORD}".encode()).decode()
    client = Client(headers={"authorization": f"Basic {basic}"})

    assert client.get("/api/v1/organizations/orchard/score/").status_code == 403
    assert client.get("/orgs/").status_code == 302


def test_factor_of_one_person_does_not_serve_another(with_app, hal):
    give_app(hal, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")

    assert "That is not right" in text_of(show(half_way(hal), code_of(SECRET)))


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "x",
        "null",
        "[]",
        "{}",
        "5",
        '{"id": 5}',
        '{"id": "x", "rawId": "x", "type": "public-key", "response": 5}',
        '{"id":"eA","rawId":"eA","type":"public-key","response":{"clientDataJSON":"e30",'
        '"attestationObject":"oA","authenticatorData":"AA","signature":"AA","userHandle":"MQ"}}',
    ],
)
def test_credential_that_is_none_is_told_and_no_error(client, dana, credential):
    visitor, half = Client(), None
    visitor.get("/sign-in/passkey/", headers={"accept": "application/json"})
    sign_in(client, dana)
    client.get("/me/factors/passkey/")

    assert visitor.post("/sign-in/passkey/", {"credential": credential}).url == "/sign-in/"
    assert client.post("/me/factors/passkey/", {"name": "x", "credential": credential}).status_code == 200
    give_app(dana)
    half = half_way(dana)
    half.get("/sign-in/factor/")
    assert half.post("/sign-in/factor/", {"credential": credential}).status_code == 200
    assert not enters(visitor)


# ---------- lost ----------


def reset_of(user: User) -> str:
    return f"/manage/people/{user.pk}/factor-reset/"


@pytest.fixture
def admin(ada):
    client = Client()
    client.force_login(ada)
    return client


def test_administrator_takes_a_lost_factor_away_after_a_day(admin, ada, with_app):
    with_app.emailaddress_set.create(email="dana@home.example", verified=True)
    response = admin.post(reset_of(with_app), {"do": "ask"}, follow=True)

    assert "has been told at every address" in text_of(response)
    assert sorted(message.to[0] for message in mail.outbox) == ["dana@home.example", "dana@orchard.example"]
    half_way(with_app)  # still asked for the factor
    with_app.factor_resets.update(asked_at=timezone.now() - timedelta(hours=25), due_at=timezone.now())
    client = Client()
    assert sign_in(client, with_app).url == "/"
    assert enters(client)
    entry = AuditEntry.objects.get(action=Action.FACTOR_REMOVED)
    assert (entry.actor, entry.target_id) == (ada, str(with_app.pk))


def test_before_the_day_is_over_nothing_happens(ada, with_app):
    now = timezone.now()
    lost_factors.ask(with_app, by=ada, at=now)

    assert not lost_factors.carry_out(with_app, at=now + timedelta(hours=23, minutes=59))
    assert factors.has_factor(with_app)
    assert lost_factors.carry_out(with_app, at=now + timedelta(hours=24))
    assert not factors.has_factor(with_app)


def test_staff_who_lost_a_factor_set_up_a_new_one(admin, casey, strict):
    give_app(casey)
    session = admin.session
    session["strong"] = True
    session.save()
    admin.post(reset_of(casey), {"do": "ask"})
    casey.factor_resets.update(asked_at=timezone.now() - timedelta(hours=25), due_at=timezone.now())

    client = Client()
    sign_in(client, casey)

    assert client.get("/orgs/").url == "/me/factors/"


def test_person_keeps_the_factor_that_was_not_lost(admin, ada, with_app):
    admin.post(reset_of(with_app), {"do": "ask"})
    client = signed_in(with_app)

    assert "about to be removed" in text_of(client.get("/me/factors/"))
    response = client.post("/me/factors/keep/", follow=True)

    assert "You keep your second factor" in text_of(response)
    assert not lost_factors.carry_out(with_app, at=timezone.now() + timedelta(days=9))
    assert factors.has_factor(with_app)


def test_administrator_cancels_it_too(admin, with_app):
    admin.post(reset_of(with_app), {"do": "ask"})
    admin.post(reset_of(with_app), {"do": "cancel"})

    assert lost_factors.waiting(with_app) is None


def test_nobody_resets_their_own(admin, ada):
    give_app(ada)

    response = admin.post(reset_of(ada), {"do": "ask"})

    assert "Another administrator has to do this for you" in text_of(response)
    assert lost_factors.waiting(ada) is None


@pytest.mark.parametrize("what", ["", "now", "ask\n"])
def test_reset_that_is_neither_asked_nor_cancelled_is_refused(admin, with_app, what):
    response = admin.post(reset_of(with_app), {"do": what})

    assert "is neither" in text_of(response)
    assert lost_factors.waiting(with_app) is None


def test_reset_is_asked_once_and_only_where_there_is_a_factor(ada, with_app, hal):
    lost_factors.ask(with_app, by=ada)

    with pytest.raises(ResetRefused, match="waits already"):
        lost_factors.ask(with_app, by=ada)
    with pytest.raises(ResetRefused, match="no second factor"):
        lost_factors.ask(hal, by=ada)
    with pytest.raises(ResetRefused, match="No reset waits"):
        lost_factors.cancel(hal, by=ada)


def test_reset_is_for_administrators_alone(with_app, casey, otto, hal):
    for user in (casey, otto, hal):
        client = Client()
        client.force_login(user)
        assert client.post(reset_of(with_app), {"do": "ask"}).status_code == 403
    assert lost_factors.waiting(with_app) is None


# ---------- passwords ----------


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("eleven-char", "at least 12 characters"),
        ("passwordpassword1" * 8, "too long"),
        ("qwerty123456", "too common"),
        ("Orchard-2026!", "little more than a name"),
        ("cairn-cairn-cairn-1", "little more than a name"),
        ("lodestone12345", "little more than a name"),
        ("sales+platform", "little more than a name"),
        ("dana@orchard.example", ""),
    ],
)
def test_password_that_others_would_guess_is_refused(client, dana, password, why):
    sign_in(client, dana)

    response = client.post(
        "/sign-in/password/", {"oldpassword": PASSWORD, "password1": password, "password2": password}
    )

    assert "password1" in response.context["form"].errors or "password2" in response.context["form"].errors
    assert why in text_of(response)


@pytest.mark.parametrize("password", ["all lower case words", "Orchard has nine tall ships", "x1" * 64])
def test_long_password_is_good_whatever_its_signs(client, dana, password):
    sign_in(client, dana)

    client.post("/sign-in/password/", {"oldpassword": PASSWORD, "password1": password, "password2": password})

    assert sign_in(Client(), dana, password).status_code == 302


# ---------- nothing secret is written down (A30) ----------


def test_no_secret_gets_into_log_mail_audit_or_page(client, with_app, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    marker = "zebra-marker-4711"
    codes = factors.make_codes(with_app)
    sign_in(client, with_app, f"{marker}-password")
    half = half_way(with_app)
    show(half, f"{marker}-code")
    half.post("/sign-in/factor/", {"credential": json.dumps({"id": f"{marker}-id"})})
    show(half, codes[0])
    half.post("/sign-in/again/", {"password": f"{marker}-again"})
    half.post(
        "/sign-in/password/",
        {"oldpassword": f"{marker}-old", "password1": f"{marker}-new-1", "password2": f"{marker}-new-2"},
    )
    half.post("/me/factors/app/", {"code": f"{marker}-first"})
    half.get(f"/me/address/{marker}-token/")
    client.post("/sign-in/forgotten/", {"email": with_app.email})
    link = link_in(mail.outbox[-1])
    client.get(link, follow=True)

    token = link.rstrip("/").rpartition("-")[2]
    audit = json.dumps(
        list(AuditEntry.objects.values("reason", "before", "after", "target_id", "user_agent")), default=str
    )
    out = capsys.readouterr()
    written = audit + caplog.text + out.out + out.err
    for secret in (marker, token, SECRET, *codes, PASSWORD):
        assert secret not in written
    for message in mail.outbox[:-1]:
        assert marker not in message.body
    assert marker not in mail.outbox[-1].body
