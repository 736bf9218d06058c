"""The dashboard against a signed-in page with nothing on it, through the same middleware."""

import time
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import include, path

from accounts.models import Membership, Organization, PlanInterval, Role, User
from tests.factories import LONG_AGO

TURNS = 40


def empty(request: HttpRequest) -> HttpResponse:
    """The signed-in person's name and nothing else: the user is read, as on every page."""
    return HttpResponse(f"<!doctype html><title>{request.user}</title>")


urlpatterns = [path("empty/", empty), path("", include("portal.urls"))]


def measure() -> Iterator[tuple[str, str, str]]:
    """Rows of the table: CPU ratio, queries and bytes of the dashboard."""
    organization = Organization.objects.order_by("pk").first()
    if organization is None:
        raise SystemExit("There is no organization to show.")
    person = User.objects.create_user("bench@orchard.example", None, name="Bench")
    Membership.objects.create(user=person, organization=organization, role=Role.CONTACT)
    PlanInterval.objects.create(organization=organization, plan="signature", starts_at=LONG_AGO)
    with override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver", *settings.ALLOWED_HOSTS]):
        client = Client()
        client.force_login(person)
        address = f"/o/{organization.slug}/"
        page, nothing = [], []
        for _ in range(TURNS):
            page.append(cpu(client, address))
            nothing.append(cpu(client, "/empty/"))
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
    ratio = min(page) / min(nothing)
    yield (
        "dashboard page : signed-in empty page, CPU of the client",
        f"{ratio:.1f} ({1000 * min(page):.1f} ms, {1000 * min(nothing):.1f} ms; best of {TURNS})",
        "≤ 20",
    )
    yield "queries of the dashboard", str(len(queries)), "≤ 12"


def cpu(client: Client, address: str) -> float:
    """CPU seconds of one request."""
    before = time.process_time()
    response = client.get(address)
    spent = time.process_time() - before
    if response.status_code != 200:
        raise SystemExit(f"{address} answered {response.status_code}.")
    return spent
