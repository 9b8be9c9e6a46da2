"""All settings: from the environment, then from `.env`. `.env.example` lists every variable."""

import re
from pathlib import Path

import django_stubs_ext
import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from pytrade.databases import TIMEOUT_S, connection_settings
from pytrade.logs import logging_settings

django_stubs_ext.monkeypatch()  # makes ModelAdmin[Instrument] and the like valid at run time

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)


def _secret_key() -> str:
    """Return SECRET_KEY, which has no default."""
    if key := env.str("SECRET_KEY", default=""):
        return key
    raise ImproperlyConfigured(
        "SECRET_KEY is not set: run `make setup`, which writes a .env with one where there is no "
        ".env, or set it in the environment or in .env"
    )


def _rate(name: str) -> str:
    """Return a rate such as 100/minute, or an empty text for no limit."""
    rate = env.str(name, default="60000/minute")
    if rate and not re.fullmatch(r"[1-9][0-9]*/(second|minute|hour|day)", rate):
        raise ImproperlyConfigured(f"{name} {rate!r} is not a rate: use e.g. 100/minute")
    return rate


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# In production everything goes over HTTPS: see docs/security.md.
HTTPS = env.bool("HTTPS", default=not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = env.bool("SSL_REDIRECT", default=False)
SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz|metrics)$"]  # asked from within, over HTTP
# Where we do not redirect to HTTPS, the proxy in front does (deploy/nginx-tls.conf).
SILENCED_SYSTEM_CHECKS = [] if SECURE_SSL_REDIRECT else ["security.W008"]
# Whether to believe X-Forwarded-For and X-Forwarded-Proto: only a proxy may be able to send them.
PROXY_HEADERS = env.bool("PROXY_HEADERS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXY_HEADERS else None

# Whether anyone may read, or only who has a session or a token: see docs/security.md.
READS_PUBLIC = env.bool("READS_PUBLIC", default=True)
# Whether programs on this machine may write without a token.
LOCAL_WRITES = env.bool("LOCAL_WRITES", default=DEBUG)

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "instruments",
    "journal",
    "quotes",
    "indicators",
    "pytrade",
]

MIDDLEWARE = [
    "pytrade.requestid.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "pytrade.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "pytrade.access.ReadersMiddleware",
    "pytrade.throttling.PageThrottleMiddleware",
    "pytrade.outages.OutageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "pytrade.urls"
ASGI_APPLICATION = "pytrade.asgi.application"
# Requests that a web process works on at a time: pytrade/handler.py.
WEB_THREADS = env.int("WEB_THREADS", default=8)
WSGI_APPLICATION = "pytrade.wsgi.application"

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
            ],
        },
    }
]

DATABASE_URL = env.str("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
# A statement that takes longer on PostgreSQL fails (0: no limit): pytrade/postgresql/.
DATABASE_TIMEOUT_S = env.float("DATABASE_TIMEOUT_S", default=TIMEOUT_S)
DATABASES = {"default": connection_settings(DATABASE_URL, DATABASE_TIMEOUT_S)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": "pytrade"},
        }
    }
    CELERY_BROKER_URL = REDIS_URL
    CELERY_RESULT_BACKEND = REDIS_URL
    CELERY_TASK_ALWAYS_EAGER = False
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            # One channel per process takes every frame; its groups must not run out overnight.
            "CONFIG": {"capacity": 20_000, "group_expiry": 10 * 365 * 86_400},
        }
    }
    CELERY_TASK_ALWAYS_EAGER = True

# A task that takes longer is ended; one whose worker is gone is given to another after twice that.
TASK_TIME_LIMIT_S = env.int("TASK_TIME_LIMIT_S", default=120)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 2 * TASK_TIME_LIMIT_S,
    "unacked_restore_throttle": 1,  # look for what a dead worker held every 10 s, not every 100 s
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # a chunk waits where it can be done next
CELERY_TASK_IGNORE_RESULT = True  # results are rows
CELERY_BEAT_SCHEDULE = {
    "scan": {"task": "indicators.scan", "schedule": crontab(), "options": {"expires": 55}}
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
VENDORED_JAVASCRIPT = BASE_DIR / "static" / "vendor"
WHITENOISE_USE_FINDERS = True  # works without collectstatic

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_PARSER_CLASSES": [
        "pytrade.parsing.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["pytrade.throttling.WindowThrottle"],
    "EXCEPTION_HANDLER": "web.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "NUM_PROXIES": 1 if PROXY_HEADERS else 0,
}
# Requests to the API and to pages that one address, one user may send: N/second|minute|hour|day;
# empty: any number.
API_RATE = _rate("API_RATE")
API_USER_RATE = _rate("API_USER_RATE")
SPECTACULAR_SETTINGS = {
    "TITLE": "PyTrade",
    "DESCRIPTION": "A market laboratory: a live simulated market whose law is known.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

LOGGING = logging_settings(env.str("LOG_FORMAT", default="console"))
DEFAULT_EXCEPTION_REPORTER_FILTER = "pytrade.secrecy.ReporterFilter"

# The journal and the lease: see docs/architecture.md.
JOURNAL_FLUSH_S = env.float("JOURNAL_FLUSH_S", default=0.05)
JOURNAL_BATCH_RECORDS = env.int("JOURNAL_BATCH_RECORDS", default=20_000)
JOURNAL_QUEUE_RECORDS = env.int("JOURNAL_QUEUE_RECORDS", default=100_000)
LEASE_TTL_S = env.float("LEASE_TTL_S", default=15.0)

# The stream: see docs/live.md.
STREAM_CONNECTIONS_PER_ADDRESS = env.int("STREAM_CONNECTIONS_PER_ADDRESS", default=5000)
STREAM_BACKLOG_BYTES = env.int("STREAM_BACKLOG_BYTES", default=1_048_576)
STREAM_IDLE_S = env.float("STREAM_IDLE_S", default=60.0)
