"""The pages against a signed-in page with nothing on it, through the same middleware; and what they weigh."""

import re
import time
from collections.abc import Iterator

import brotli
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import include, path

from accounts.models import Membership, Organization, PlanInterval, Role, User
from tests.factories import LONG_AGO

TURNS = 40
PORTFOLIOS = (50, 500)


def empty(request: HttpRequest) -> HttpResponse:
    """The signed-in person's name and nothing else: the user is read, as on every page."""
    return HttpResponse(f"<!doctype html><title>{request.user}</title>")


urlpatterns = [path("empty/", empty), path("", include("portal.urls"))]


def measure() -> Iterator[tuple[str, str, str]]:
    """Rows of the table: CPU ratios, queries and bytes of the pages."""
    organization = Organization.objects.order_by("pk").first()
    if organization is None:
        raise SystemExit("There is no organization to show.")
    PlanInterval.objects.create(organization=organization, plan="signature", starts_at=LONG_AGO)
    person = User.objects.create_user("bench@orchard.example", None, name="Bench")
    Membership.objects.create(user=person, organization=organization, role=Role.CONTACT, starts_at=LONG_AGO)
    with override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver", *settings.ALLOWED_HOSTS]):
        yield from of_a_contact(person, organization)
        yield from of_a_manager()


def of_a_contact(person: User, organization: Organization) -> Iterator[tuple[str, str, str]]:
    """The dashboard and a category."""
    client = Client()
    client.force_login(person)
    overview = f"/o/{organization.slug}/"
    links = re.findall(rf'href="({overview}score/[^"?#]+)"', client.get(overview).content.decode())
    pages = {"dashboard": overview, "category": links[0]}
    spent = interleaved(client, {"empty": "/empty/", **pages})
    for name, address in pages.items():
        yield (
            f"{name} page : signed-in empty page, CPU of the client",
            f"{spent[name] / spent['empty']:.1f} ({1000 * spent[name]:.1f} ms,"
            f" {1000 * spent['empty']:.1f} ms; best of {TURNS})",
            "≤ 20",
        )
        bound = "≤ 12" if name == "dashboard" else "≤ 16"
        yield f"queries of the {name}", str(queries(client, address)), bound
        first, repeat = weight(client, address)
        yield f"{name} page, first view, brotli", f"{first / 1000:.1f} kB", "≤ 100 kB"
        yield f"{name} page, repeat view, brotli", f"{repeat / 1000:.1f} kB", "≤ 20 kB"


def of_a_manager() -> Iterator[tuple[str, str, str]]:
    """The portfolio of few and of many organizations."""
    ids = list(Organization.objects.order_by("pk").values_list("pk", flat=True)[: max(PORTFOLIOS)])
    clients = {}
    for number in PORTFOLIOS:
        email = f"csm{number}@vendor.example"
        manager = User.objects.create_user(email, None, name="Manager", is_staff=True)
        Membership.objects.bulk_create(
            Membership(user=manager, organization_id=pk, role=Role.CSM, starts_at=LONG_AGO)
            for pk in ids[:number]
        )
        clients[number] = Client()
        clients[number].force_login(manager)
    with override_settings(STAFF_SECOND_FACTOR=False):
        spent = dict.fromkeys(PORTFOLIOS, float("inf"))
        for _ in range(TURNS):
            for number, client in clients.items():
                spent[number] = min(spent[number], cpu(client, "/portfolio/"))
        few, many = PORTFOLIOS
        yield (
            f"portfolio of {many} : portfolio of {few}, CPU of the client",
            f"{spent[many] / spent[few]:.2f} ({1000 * spent[many]:.1f} ms, {1000 * spent[few]:.1f} ms)",
            "≤ 2",
        )
        asked = [queries(client, "/portfolio/") for client in clients.values()]
        yield f"queries of the portfolio of {few} and of {many}", " and ".join(map(str, asked)), "equal"
        first, repeat = weight(clients[many], "/portfolio/")
        yield "portfolio page, first view, brotli", f"{first / 1000:.1f} kB", "≤ 100 kB"
        yield "portfolio page, repeat view, brotli", f"{repeat / 1000:.1f} kB", "≤ 20 kB"


def interleaved(client: Client, pages: dict[str, str]) -> dict[str, float]:
    """The least CPU seconds of each page, asked for in turn."""
    spent = dict.fromkeys(pages, float("inf"))
    for _ in range(TURNS):
        for name, address in pages.items():
            spent[name] = min(spent[name], cpu(client, address))
    return spent


def queries(client: Client, address: str) -> int:
    """How often the page asks the database."""
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    return sum(each["sql"] not in ("BEGIN", "COMMIT") for each in asked)


def weight(client: Client, address: str) -> tuple[int, int]:
    """Bytes on the wire with everything the page loads, and without what a browser has already."""
    page = client.get(address).content
    files = set(re.findall(r'(?:href|src)="/static/([^"]+)"', page.decode()))
    loaded = sum(packed((settings.BASE_DIR / "static" / name).read_bytes()) for name in files)
    return packed(page) + loaded, packed(page)


def packed(content: bytes) -> int:
    return len(brotli.compress(content, quality=5))


def cpu(client: Client, address: str) -> float:
    """CPU seconds of one request."""
    before = time.process_time()
    response = client.get(address)
    spent = time.process_time() - before
    if response.status_code != 200:
        raise SystemExit(f"{address} answered {response.status_code}.")
    return spent
