"""The web process: what gunicorn serves. It says so before the settings load: they pool its connections."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("CAIRN_PROCESS", "web")

application = get_wsgi_application()

from accounts.isolation import guard  # noqa: E402 - the apps are there only now

guard.stand()
