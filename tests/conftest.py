"""The cast: Orchard and Harbor, the people around them, and the role in which their requests are served."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.core.cache import cache
from django.db import connection

from accounts import retirement, triggers
from accounts.models import Organization, User
from tests import runtime
from tests.cast import Cast


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
def cast(db: None) -> Cast:
    """Everybody below, of this test alone."""
    return Cast()


@pytest.fixture
def orchard(cast: Cast) -> Organization:
    """A customer on Signature."""
    return cast.orchard


@pytest.fixture
def harbor(cast: Cast) -> Organization:
    """Another customer on Signature: everything of Orchard's is foreign to its people."""
    return cast.harbor


@pytest.fixture
def meadow(cast: Cast) -> Organization:
    """A customer on Premier."""
    return cast.meadow


@pytest.fixture
def dana(cast: Cast) -> User:
    """Designated contact of Orchard."""
    return cast.dana


@pytest.fixture
def vera(cast: Cast) -> User:
    """May only look at Orchard."""
    return cast.vera


@pytest.fixture
def tara(cast: Cast) -> User:
    """Training administrator of Orchard."""
    return cast.tara


@pytest.fixture
def pat(cast: Cast) -> User:
    """Partner of Orchard, for a long time."""
    return cast.pat


@pytest.fixture
def frank(cast: Cast) -> User:
    """Contact of Orchard until the instant he was made one: gone since."""
    return cast.frank


@pytest.fixture
def pia(cast: Cast) -> User:
    """Contact of Meadow, which is on Premier."""
    return cast.pia


@pytest.fixture
def casey(cast: Cast) -> User:
    """CSM of Orchard."""
    return cast.casey


@pytest.fixture
def lena(cast: Cast) -> User:
    """Leads the team of Casey; manages nobody herself."""
    return cast.lena


@pytest.fixture
def cole(cast: Cast) -> User:
    """CSM of Harbor, not of Orchard."""
    return cast.cole


@pytest.fixture
def gus(cast: Cast) -> User:
    """Success guide of Orchard."""
    return cast.gus


@pytest.fixture
def otto(cast: Cast) -> User:
    """Auditor of the installation."""
    return cast.otto


@pytest.fixture
def ada(cast: Cast) -> User:
    """Administrator of the installation."""
    return cast.ada


@pytest.fixture
def hal(cast: Cast) -> User:
    """Contact of Harbor: the stranger in every test."""
    return cast.hal
