"""The cast: Orchard and Harbor, the people around them, and the role in which their requests are served."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from django.db import connection

from accounts import retirement, triggers
from accounts.models import Organization, Plan, Role, Team, User
from tests import runtime
from tests.factories import make_membership, make_organization, make_plan, make_user


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """SQLite empties tables by DELETE, which the audit log refuses; emptying makes the triggers anew."""
    if not getattr(item, "funcargs", None):
        return  # skipped: it has no database
    marker = item.get_closest_marker("django_db")
    empties = {"transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    if (empties or (marker and marker.kwargs.get("transaction"))) and connection.vendor == "sqlite":
        triggers.remove()
        retirement.remove()


@pytest.fixture(autouse=True)
def _served_in_the_runtime_role(request: pytest.FixtureRequest) -> None:
    """On PostgreSQL, requests of the test are answered as portal_app, behind the wall."""
    asks = "db" in request.fixturenames or request.node.get_closest_marker("django_db")
    if connection.vendor == "postgresql" and asks:
        settings = request.getfixturevalue("settings")
        settings.MIDDLEWARE = runtime.first(settings.MIDDLEWARE)


@pytest.fixture
def _cache_is_emptied(transactional_db: None) -> Iterator[None]:
    """The cache has no model, so nothing else empties it: failed tries would pause later sign-ins."""
    yield
    cache.clear()


@pytest.fixture
def as_portal_app(transactional_db: None, _cache_is_emptied: None) -> Iterator[Callable[[], None]]:
    """Call it after the factories: from then on the test is a real client in the runtime role."""
    if connection.vendor != "postgresql":
        pytest.skip("only on PostgreSQL: SQLite has neither roles nor row-level security")
    with ExitStack() as after:
        yield lambda: after.enter_context(runtime.logged_in_as(runtime.ROLE))


@pytest.fixture
def orchard(db: None) -> Organization:
    """A customer on Signature."""
    organization = make_organization("Orchard", products=["sales", "platform"])
    make_plan(organization)
    return organization


@pytest.fixture
def harbor(db: None) -> Organization:
    """Another customer on Signature: everything of Orchard's is foreign to its people."""
    organization = make_organization("Harbor", products=["sales", "platform"])
    make_plan(organization)
    return organization


@pytest.fixture
def meadow(db: None) -> Organization:
    """A customer on Premier."""
    organization = make_organization("Meadow", products=["sales", "platform"])
    make_plan(organization, Plan.PREMIER)
    return organization


@pytest.fixture
def dana(orchard: Organization) -> User:
    """Designated contact of Orchard."""
    user = make_user("dana@orchard.example")
    make_membership(user, orchard, Role.CONTACT)
    return user


@pytest.fixture
def vera(orchard: Organization) -> User:
    """May only look at Orchard."""
    user = make_user("vera@orchard.example")
    make_membership(user, orchard, Role.VIEWER)
    return user


@pytest.fixture
def tara(orchard: Organization) -> User:
    """Training administrator of Orchard."""
    user = make_user("tara@orchard.example")
    make_membership(user, orchard, Role.TRAINING_ADMIN)
    return user


@pytest.fixture
def pat(orchard: Organization) -> User:
    """Partner of Orchard, for a long time."""
    user = make_user("pat@partner.example")
    make_membership(user, orchard, Role.PARTNER, ends_at=datetime(2100, 1, 1, tzinfo=UTC))
    return user


@pytest.fixture
def frank(orchard: Organization) -> User:
    """Contact of Orchard until the instant he was made one: gone since."""
    user = make_user("frank@orchard.example")
    membership = make_membership(user, orchard, Role.CONTACT)
    membership.ends_at = membership.starts_at
    membership.save()
    return user


@pytest.fixture
def pia(meadow: Organization) -> User:
    """Contact of Meadow, which is on Premier."""
    user = make_user("pia@meadow.example")
    make_membership(user, meadow, Role.CONTACT)
    return user


@pytest.fixture
def casey(orchard: Organization) -> User:
    """CSM of Orchard."""
    user = make_user("casey@vendor.example", is_staff=True)
    make_membership(user, orchard, Role.CSM)
    return user


@pytest.fixture
def lena(casey: User) -> User:
    """Leads the team of Casey; manages nobody herself."""
    casey.team = Team.objects.create(name="North")
    casey.save()
    return make_user("lena@vendor.example", is_staff=True, is_lead=True, team=casey.team)


@pytest.fixture
def cole(harbor: Organization) -> User:
    """CSM of Harbor, not of Orchard."""
    user = make_user("cole@vendor.example", is_staff=True)
    make_membership(user, harbor, Role.CSM)
    return user


@pytest.fixture
def gus(orchard: Organization) -> User:
    """Success guide of Orchard."""
    user = make_user("gus@vendor.example", is_staff=True)
    make_membership(user, orchard, Role.GUIDE)
    return user


@pytest.fixture
def otto(db: None) -> User:
    """Auditor of the installation."""
    return make_user("otto@vendor.example", is_staff=True, is_auditor=True)


@pytest.fixture
def ada(db: None) -> User:
    """Administrator of the installation."""
    return make_user("ada@vendor.example", is_staff=True, is_admin=True)


@pytest.fixture
def hal(harbor: Organization) -> User:
    """Contact of Harbor: the stranger in every test."""
    user = make_user("hal@harbor.example")
    make_membership(user, harbor, Role.CONTACT)
    return user
