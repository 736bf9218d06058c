"""`make bench`: the night and the dashboard at 10,000 organizations on PostgreSQL, as one table of ratios."""

import os
import sys
import time

COUNT = int(os.environ.get("BENCH_ORGANIZATIONS", "10000"))
ROUNDS = 5


def main() -> None:
    """A server of our own, a world in it, the measurements, the table."""
    for name in ("DATABASE_URL", "REDIS_URL"):  # never somebody's own data
        os.environ.pop(name, None)
    os.environ["PORTAL_TEST_SERVICES"] = "1"
    from tests import servers

    servers.prepare()
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    import django

    django.setup()
    from django.core.management import call_command

    from tests.bench import night, page, world

    call_command("migrate", verbosity=0)
    began = time.perf_counter()
    version = world.make(COUNT)
    print(f"{COUNT:,} organizations made in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    rows = [*night.measure(version, COUNT, ROUNDS), *page.measure()]
    print("| What | Measured | Bound |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
