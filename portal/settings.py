"""Every setting of the house: the environment decides, bad values refuse to start and name the variable.

Not the place for rules of the business: those stand with their story.
"""

import os
import re
import tempfile
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host
from django.utils.csp import CSP

BASE_DIR = Path(__file__).resolve().parent.parent
LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
HOUR = 3600

env = environ.Env()
if os.environ.get("CAIRN_MODE") != "test" and (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")  # never overrides what the process was given


def whole(name: str, default: int, lowest: int, highest: int) -> int:
    """A whole number between two bounds, from the environment."""
    text = env.str(name, default=str(default)).strip()
    if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
        raise ImproperlyConfigured(f"{name} must be a whole number from {lowest} to {highest}, not {text!r}.")
    return int(text)


def yes_or_no(name: str, default: bool) -> bool:
    """A switch from the environment; anything but the usual words is refused, not read as off."""
    text = env.str(name, default=str(default)).strip().lower()
    if text not in {"true", "1", "yes", "on", "false", "0", "no", "off"}:
        raise ImproperlyConfigured(f"{name} must be true or false, not {text!r}.")
    return text in {"true", "1", "yes", "on"}


def url_of(name: str, schemes: set[str], default: str) -> str:
    """An address from the environment, with a scheme we know how to serve."""
    url = env.str(name, default=default).strip()
    if url and url.partition(":")[0] not in schemes:
        raise ImproperlyConfigured(
            f"{name} must begin with one of {', '.join(sorted(schemes))}, followed by a colon."
        )
    return url


# --- Which house is this ------------------------------------------------------------------------------------

# demo: a laptop, reachable from itself alone. test: the suite. production: the essentials must be given.
MODE = env.str("CAIRN_MODE", default="demo")
if MODE not in {"demo", "test", "production"}:
    raise ImproperlyConfigured(f"CAIRN_MODE must be demo, test or production, not {MODE!r}.")
PRODUCTION = MODE == "production"

if PRODUCTION:
    ESSENTIAL = (
        "SECRET_KEY",
        "ALLOWED_HOSTS",
        "DATABASE_URL",
        "REDIS_URL",
        "EMAIL_URL",
        "EMAIL_FROM",
        "VENDOR_NAME",
    )
    if missing := [name for name in ESSENTIAL if not env.str(name, default="").strip()]:
        raise ImproperlyConfigured(f"CAIRN_MODE=production needs {', '.join(missing)}.")

# web is set by portal/wsgi.py; commands, workers and tests are the rest
WEB_PROCESS = env.str("CAIRN_PROCESS", default="command") == "web"

DEBUG = yes_or_no("DEBUG", default=False)
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", default=sorted(LOOPBACK)) if host.strip()]
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts: * would serve any name a stranger sends.")
if not PRODUCTION and not set(ALLOWED_HOSTS) <= LOOPBACK:
    # The demo has known passwords and cookies without Secure, DEBUG shows settings: not for a network.
    raise ImproperlyConfigured("ALLOWED_HOSTS may name other machines only with CAIRN_MODE=production.")
if DEBUG and PRODUCTION:
    raise ImproperlyConfigured("DEBUG must be off with CAIRN_MODE=production.")


def site_address() -> str:
    """SITE_ADDRESS: where people reach the portal; links in mails begin with it, whatever a request says."""
    if PRODUCTION:
        own = f"https://{ALLOWED_HOSTS[0].lstrip('.')}"
    else:
        own = f"http://localhost:{env.str('PORT', default='8000')}"
    text = env.str("SITE_ADDRESS", default="").strip().rstrip("/") or own
    found = re.fullmatch(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?", text)
    if not found or (PRODUCTION and found[1] != "https"):
        raise ImproperlyConfigured(
            f"SITE_ADDRESS must be http{'s' if PRODUCTION else ' or https'}://, a host, perhaps a port, and "
            f"nothing behind it, not {text!r}."
        )
    if not validate_host(found[2].lower(), [host.lower() for host in ALLOWED_HOSTS]):
        raise ImproperlyConfigured(f"SITE_ADDRESS names {found[2]}, which is not in ALLOWED_HOSTS.")
    return text


SITE_ADDRESS = site_address()
PRODUCT_NAME = "Cairn"
VENDOR_NAME = env.str("VENDOR_NAME", default="Lodestone")  # the company that runs it for its customers


# --- Files --------------------------------------------------------------------------------------------------

# Everything that is written at run time lies below one folder; tests point it at a temporary one.
VAR_DIR = Path(env.str("CAIRN_VAR", default=str(BASE_DIR / "var"))).expanduser().resolve()
VAR_DIR.mkdir(parents=True, exist_ok=True)
MAIL_DIR = VAR_DIR / "mail"
LOG_DIR = VAR_DIR / "log"
EXPORT_DIR = VAR_DIR / "exports"  # web and worker read and write it


def own_secret_key() -> str:
    """The laptop's key, made once. Linked into place whole, so that two processes starting together agree."""
    path = VAR_DIR / "secret_key"
    if not path.exists():
        from django.core.management.utils import get_random_secret_key

        with tempfile.NamedTemporaryFile(
            "w", dir=VAR_DIR, prefix=".secret_key-"
        ) as draft:  # readable by us alone
            draft.write(get_random_secret_key())
            draft.flush()
            try:
                os.link(draft.name, path)
            except FileExistsError:
                pass
    return path.read_text().strip()


SECRET_KEY = env.str("SECRET_KEY", default="") or own_secret_key()
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10:
    raise ImproperlyConfigured("SECRET_KEY must be at least 50 characters of real randomness.")


# --- Apps ---------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "portal",  # first: its templates and commands win over those of packages
    "accounts",
    "scoring",
    "recommendations",
    "django.contrib.admin.apps.SimpleAdminConfig",  # finds no models by itself: portal.admin says which
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
]

MIDDLEWARE = [
    "portal.middleware.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.Headers",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "portal.middleware.Letters",
    "portal.middleware.Memory",  # outside of what opens a transaction: a refusal stays after the rollback
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.middleware.Session",
    "portal.company.Company",
    "portal.middleware.SeeingAs",  # after who is signed in, before whatever acts for that person
    "accounts.isolation.Wall",  # from here on the database shows what this person may know of, and no more
    "portal.middleware.Reader",
    "portal.seeing.Eyes",
    "portal.middleware.HalfWay",  # inside of whatever says which organizations are there: it asks who demands
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # a page that is open says so
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.site",
            ],
        },
    }
]


# --- Database -----------------------------------------------------------------------------------------------


def database() -> dict[str, Any]:
    """DATABASES["default"]: SQLite under var/ unless DATABASE_URL says otherwise."""
    schemes = {"sqlite", "postgres", "postgresql", "pgsql", "psql"}
    url = url_of("DATABASE_URL", schemes, f"sqlite:///{VAR_DIR / 'cairn.sqlite3'}")
    try:
        config = env.db_url_config(url)
    except ValueError as error:  # a port that is no number, for one
        raise ImproperlyConfigured("DATABASE_URL cannot be read as an address.") from error
    if config["ENGINE"] == "django.db.backends.sqlite3":
        defaults: dict[str, Any] = {
            # Writers queue at BEGIN instead of failing half-way; readers never wait for them.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
        # A file in tests, too: in memory, threads would share one connection and its locks.
        config["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    else:
        defaults = {
            "connect_timeout": 3,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        }
        config["DISABLE_SERVER_SIDE_CURSORS"] = True  # safe behind a pooler in transaction mode
        if WEB_PROCESS:
            # Only pages: a migration or a night may take its time, and commands hold one connection anyway.
            defaults["options"] = f"-c statement_timeout={whole('STATEMENT_TIMEOUT', 10, 1, 600) * 1000}"
            defaults["pool"] = {"min_size": 1, "max_size": whole("DATABASE_POOL", 4, 1, 100), "timeout": 5}
    # Merged: a `?host=` of the address is already among the options.
    config["OPTIONS"] = defaults | config.get("OPTIONS", {})
    return config


DATABASES = {"default": database()}

# In the database, so that rate limits count across processes; `migrate` makes the table (portal/apps.py).
CACHES = {"default": {"BACKEND": "accounts.isolation.counters.Cache", "LOCATION": "portal_cache"}}


# --- People, sessions, passwords ----------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.Backend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
if MODE == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hundreds of people are made a run
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name, "OPTIONS": options}
    for name, options in (
        (
            "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
            {"user_attributes": ("email", "name")},
        ),
        ("django.contrib.auth.password_validation.MinimumLengthValidator", {"min_length": 12}),
        ("django.contrib.auth.password_validation.CommonPasswordValidator", {}),
        ("accounts.passwords.NotTooLong", {}),
        ("accounts.passwords.NotOurWords", {}),
    )
]

# Whoever works for the vendor and signs in with a password needs a second factor besides.
STAFF_SECOND_FACTOR = yes_or_no("STAFF_SECOND_FACTOR", default=PRODUCTION)
if PRODUCTION and not STAFF_SECOND_FACTOR:
    raise ImproperlyConfigured("STAFF_SECOND_FACTOR must be on with CAIRN_MODE=production.")

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

ACCOUNT_ADAPTER = "accounts.signup.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = None  # asked at sign-in: until the browser closes, or ACCOUNT_SESSION_COOKIE_AGE
ACCOUNT_SESSION_COOKIE_AGE = 14 * 24 * HOUR
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # nobody can have us write to a stranger
ACCOUNT_FORMS = {"login": "accounts.forms.SignIn"}
ACCOUNT_RATE_LIMITS = {
    "login_failed": "50/15m/ip,5/15m/key",  # the key: the address someone tries to enter with, or whose code
    "reset_password": "20/h/ip,3/h/key",
    "reauthenticate": "5/15m/user",
    "manage_email": "5/h/user",
}

MFA_ADAPTER = "accounts.signup.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn"]  # recovery codes are ours: accounts.factors keeps digests alone
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # so that a passkey is both factors
MFA_TOTP_TOLERANCE = 1  # clocks differ; a code still counts once, accounts.factors keeps the last
MFA_FORMS = {
    "authenticate": "accounts.forms.CodeForm",
    "reauthenticate": "accounts.forms.CodeAgainForm",
    "activate_totp": "accounts.forms.AppForm",
    "add_webauthn": "accounts.forms.AddPasskey",
    "authenticate_webauthn": "accounts.forms.PasskeyForm",
    "login_webauthn": "accounts.forms.PasskeySignIn",
    "reauthenticate_webauthn": "accounts.forms.PasskeyAgain",
}
TRUSTED_PROXIES = whole("TRUSTED_PROXIES", 0, 0, 9)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES  # the client's address is never read from a raw header

# Secrets that customers entrust to us are sealed with it; another one, and they have to be entered again.
CONNECTION_KEY = env.str("CONNECTION_KEY", default="") or SECRET_KEY
if len(CONNECTION_KEY) < 32 or len(set(CONNECTION_KEY)) < 10:
    raise ImproperlyConfigured("CONNECTION_KEY must be at least 32 characters of real randomness.")


def connection_hosts() -> frozenset[str]:
    """CONNECTION_HOSTS: identity providers that may be asked wherever they are, each as host or host:port."""
    hosts = frozenset(
        host.strip().lower() for host in env.list("CONNECTION_HOSTS", default=[]) if host.strip()
    )
    for host in hosts:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", host):
            raise ImproperlyConfigured(
                f"CONNECTION_HOSTS must name hosts, as in login.example.com or localhost:8080, not {host!r}."
            )
    return hosts


CONNECTION_HOSTS = connection_hosts()

SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "session"
SESSION_COOKIE_AGE = 12 * HOUR  # a contact's idle time; accounts.sessions has the limits of everyone
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else "csrftoken"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = PRODUCTION


# --- What a plan opens --------------------------------------------------------------------------------------

PLANS = {"signature", "premier", "standard"}  # accounts.models.Plan
ROUTES = {"score", "review"}  # accounts.access.ROUTES


def plan_opens() -> dict[str, frozenset[str]]:
    """PLAN_OPENS: what each plan opens to the customer; a plan that is not named opens nothing."""
    routes: dict[str, frozenset[str]] = {}
    for part in env.str("PLAN_OPENS", default="signature=score,premier=review").split(","):
        plan, sign, opened = (text.strip().lower() for text in part.partition("="))
        words = frozenset(word.strip() for word in opened.split("+") if word.strip())
        if plan not in PLANS or not sign or plan in routes or not words <= ROUTES:
            raise ImproperlyConfigured(
                f"PLAN_OPENS must name plans ({', '.join(sorted(PLANS))}), each once and with what it opens "
                f"({', '.join(sorted(ROUTES))}), as in signature=score+review,premier=review; not {part!r}."
            )
        routes[plan] = words
    return routes


PLAN_OPENS = plan_opens()
SCORE_LANGUAGE_CONDITION = yes_or_no("SCORE_LANGUAGE_CONDITION", default=True)
SCORE_PRODUCT_CONDITION = yes_or_no("SCORE_PRODUCT_CONDITION", default=True)


# --- What a browser is told ---------------------------------------------------------------------------------

EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"  # Plotly makes one <style>, empty
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF, EMPTY_STYLE],
    "img-src": [CSP.SELF, "data:"],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "object-src": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"

if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]  # a load balancer asks without TLS
    SECURE_HSTS_SECONDS = 365 * 24 * HOUR
    if TRUSTED_PROXIES:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# A portal under one name does not decide for its sisters (W005), nor for the browsers' preload list (W021).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]


# --- Static files, language, time ---------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Of what packages bring, nothing but the files that are named here: their name at our address, package, file.
VENDOR_FILES = {
    "vendor/plotly.min.js": ("plotly", "package_data/plotly.min.js"),
    "vendor/htmx-2.min.js": ("django_htmx", "static/django_htmx/htmx-2.min.js"),
}
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder", "portal.vendored.Finder"]
HASHED = MODE != "test" and not DEBUG  # names with a hash never go stale; tests need no collectstatic
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR_DIR / "files"},
    },
    "staticfiles": {
        "BACKEND": "portal.vendored.Storage"
        if HASHED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not HASHED

LANGUAGE_CODE = "en-us"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"


# --- Mail ---------------------------------------------------------------------------------------------------


def mailer() -> dict[str, Any]:
    """MAILERS["default"]: files under var/mail unless EMAIL_URL names a mail server."""
    url = url_of("EMAIL_URL", {"smtp", "smtps", "smtp+tls", "smtp+ssl"}, "")
    if not url:
        return {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": MAIL_DIR},
        }
    config = env.email_url_config(url)
    return {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": config["EMAIL_HOST"],
            "port": config["EMAIL_PORT"] or 25,
            "username": config["EMAIL_HOST_USER"] or "",
            "password": config["EMAIL_HOST_PASSWORD"] or "",
            "use_tls": config.get("EMAIL_USE_TLS", False),
            "use_ssl": config.get("EMAIL_USE_SSL", False),
            "timeout": 10,
        },
    }


MAILERS = {"default": mailer()}
# Who is told when a night could not be published.
ADMINS = [address.strip() for address in env.list("OPERATOR_EMAIL", default=[]) if address.strip()]
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("EMAIL_FROM", default=f"{PRODUCT_NAME} <cairn@localhost>")
# Whom a customer asks who has no success manager.
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="").strip() or parseaddr(DEFAULT_FROM_EMAIL)[1]
if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", SUPPORT_EMAIL):
    raise ImproperlyConfigured(f"SUPPORT_EMAIL must be one e-mail address, not {SUPPORT_EMAIL!r}.")

# The help site of the vendor, with {words} where the words to look for go; empty: cards lead nowhere outside.
HELP_SITE = env.str("HELP_SITE", default="").strip()
if HELP_SITE and not (HELP_SITE.startswith("https://") and "{words}" in HELP_SITE):
    raise ImproperlyConfigured(f"HELP_SITE must begin with https:// and hold {{words}}, not {HELP_SITE!r}.")

# The vendor's introduction to the score, a video or a page: a link beside the score. Empty: none.
INTRODUCTION = env.str("INTRODUCTION", default="").strip()
if INTRODUCTION and not re.fullmatch(r"https://[\w.-]+(:\d+)?(/\S*)?", INTRODUCTION, re.ASCII):
    raise ImproperlyConfigured(f"INTRODUCTION must be an address with https://, not {INTRODUCTION!r}.")


# --- The API ------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "scoring.api.refused",
}


# --- The night and its workers ------------------------------------------------------------------------------

NIGHT_HOUR = whole("NIGHT_HOUR", 1, 0, 23)  # UTC
LEASE_SECONDS = whole("LEASE_SECONDS", 120, 1, 3600)  # how long a silent worker keeps its chunk
CHUNK_ORGANIZATIONS = whole("CHUNK_ORGANIZATIONS", 5000, 1, 100_000)  # what a worker scores at a time
AUDIT_DAYS = whole("AUDIT_DAYS", 400, 30, 36_500)  # how long an entry of the audit log is kept
EXPORT_DAYS = whole("EXPORT_DAYS", 7, 1, 90)  # how long a file that somebody asked for is kept
CLOSE_DAY = whole("CLOSE_DAY", 8, 1, 28)  # of the month: its night closes the month before
PEERS_FLOOR = whole("PEERS_FLOOR", 11, 11, 10_000)  # organizations in the smallest peer group; never fewer

REDIS_URL = url_of("REDIS_URL", {"redis", "rediss", "unix"}, "")
BROKER_DIR = VAR_DIR / "broker"


def file_broker() -> dict[str, Any]:
    """Options of the broker that is only a folder. A kill loses messages: they are doorbells, no more."""
    for name in ("messages", "control"):
        (BROKER_DIR / name).mkdir(parents=True, exist_ok=True)
    folder = str(BROKER_DIR / "messages")
    return {
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": str(BROKER_DIR / "control"),
        "store_processed": False,
        "polling_interval": 0.1,  # the default is a second
    }


CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost//"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    # A killed worker's message comes back after the timeout; with the others at their default, much later.
    {"visibility_timeout": 600, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    if REDIS_URL
    else file_broker()
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 540  # below the visibility timeout; what is cut off goes on at the next sweep
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    # Expiring: a worker that was away must not ring ten times when it comes back.
    "night": {
        "task": "portal.tasks.night",
        "schedule": crontab(hour=str(NIGHT_HOUR), minute="0"),
        "options": {"expires": HOUR},
    },
    "exports": {"task": "portal.exporting.make_exports", "schedule": 60.0, "options": {"expires": 50}},
    "sweep": {"task": "portal.tasks.sweep", "schedule": 300.0, "options": {"expires": 240}},
}


# --- Logs ---------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "portal.logs.AddRequestId"}, "links": {"()": "portal.logs.HideLinks"}},
    "formatters": {
        "json": {"()": "portal.logs.JsonFormatter"},
        "plain": {"format": "{asctime} {levelname} {name} [{request_id}] {message}", "style": "{"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "filters": ["request", "links"],
            "formatter": "json" if PRODUCTION else "plain",
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO" if PRODUCTION else "WARNING"},
    "loggers": {
        "django": {"handlers": [], "propagate": True},  # Django's own mails its errors; ours are in the log
        "django.server": {"handlers": [], "propagate": True},
    },
}
