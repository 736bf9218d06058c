"""Where it all meets: settings, site map, clock, pages. This file makes the Celery app known."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
