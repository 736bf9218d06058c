"""What people set for themselves: how they are called, their language and their time zone."""

from functools import cache
from zoneinfo import available_timezones

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.db import transaction
from django.utils.translation.trans_real import parse_accept_lang_header

from accounts import audit
from accounts.models import Action, Organization, User

ENGLISH = "en"
NOT_PLACES = ("Etc/", "SystemV/", "US/")


class PreferenceRefused(ValueError):
    """A language or a time zone that is not known; names the field and the value."""

    def __init__(self, field: str, value: str) -> None:
        super().__init__(f"{value!r} is not a known {field.replace('_', ' ')}.")
        self.field = field
        self.value = value


@cache
def languages() -> dict[str, str]:
    """Every language by its code, called as its speakers call it."""
    return {code: LANG_INFO.get(code, {}).get("name_local", name) for code, name in settings.LANGUAGES}


@cache
def time_zones() -> list[str]:
    """UTC, then every place, by name."""
    places = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(NOT_PLACES))
    return ["UTC", *places]


def language_of(user: User) -> tuple[str, str]:
    """The code of the person's language, and what it is called there."""
    code = user.language or ENGLISH
    return code, languages().get(code, code)


def set_preferences(user: User, *, name: str, language: str, time_zone: str) -> None:
    """Keep what the person chose; raise PreferenceRefused for what is not known."""
    if language not in languages():
        raise PreferenceRefused("language", language)
    if time_zone not in time_zones():
        raise PreferenceRefused("time_zone", time_zone)
    _change(user, name=name, language=language, time_zone=time_zone)


def learn_language(user: User, header: str) -> None:
    """At the first sign-in, the language that the browser asks for first; later, what is set stays."""
    if not user.language:
        _change(user, language=first_language(header))


def remember(user: User, organization: Organization) -> None:
    """The organization is offered first the next time this person chooses."""
    if user.last_organization_id != organization.pk:
        user.last_organization = organization
        user.save(update_fields=["last_organization"])


@transaction.atomic
def _change(user: User, **wanted: str) -> None:
    """Keep what is new, and write down that the person changed it; nothing when nothing is."""
    after = {field: value for field, value in wanted.items() if getattr(user, field) != value}
    if not after:
        return
    before = {field: getattr(user, field) for field in after}
    for field, value in after.items():
        setattr(user, field, value)
    user.save(update_fields=list(after))
    audit.record(Action.PERSON_CHANGED, by=user, target=user, before=before, after=after)


def first_language(header: str) -> str:
    """The first language of an Accept-Language header that we know, English without one."""
    for asked, _ in parse_accept_lang_header(header[:500].lower()):
        for code in (asked, asked.partition("-")[0]):
            if code in languages():
                return code
    return ENGLISH
