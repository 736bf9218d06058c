"""For load balancers and watchers: is the process alive, is it ready. Tells strangers nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.nightly import newest_published


def database_answers() -> bool:
    """Whether the database takes a query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


def migrations_applied() -> bool:
    """Whether the tables are those of this code."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def night_is_fresh() -> bool:
    """Whether the newest published day ended less than 30 hours ago; without one, none is late."""
    newest = newest_published()
    if newest is None:
        return True
    ended = datetime.combine(newest + timedelta(days=1), time(), tzinfo=UTC)
    return timezone.now() - ended < timedelta(hours=30)


# What readiness means, as a list; one that fails makes the answer 503.
CHECKS: tuple[tuple[str, Callable[[], bool]], ...] = (
    ("database", database_answers),
    ("migrations", migrations_applied),
    ("night", night_is_fresh),
)


@login_not_required
@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    results = {name: _passes(check) for name, check in CHECKS}
    ready = all(results.values())
    return JsonResponse({"ready": ready, "checks": results}, status=200 if ready else 503)


def _passes(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except DatabaseError:
        return False
