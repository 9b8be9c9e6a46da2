"""Django settings, read from the environment and then from `.env`; see `.env.example`."""

import re
import sys
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from pytrade.caches import shared_cache
from pytrade.databases import TIMEOUT_S, connection_settings
from pytrade.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)


def _secret_key() -> str:
    """Return SECRET_KEY, which has no default."""
    key: str = env.str("SECRET_KEY", default="")
    if key:
        return key
    raise ImproperlyConfigured(
        "SECRET_KEY is not set: run `make setup`, which creates .env with a key if .env is "
        "missing, or set it in the environment or in .env"
    )


def _rate(name: str, default: str = "60000/minute") -> str:
    """Return a rate such as 100/minute, or an empty string for no limit."""
    rate: str = env.str(name, default=default)
    if rate and not re.fullmatch(r"[1-9][0-9]*/(second|minute|hour|day)", rate):
        raise ImproperlyConfigured(f"{name} {rate!r} is not a rate: use e.g. 100/minute")
    return rate


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# HTTPS is the default in production: see docs/security.md.
HTTPS = env.bool("HTTPS", default=not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = env.bool("SSL_REDIRECT", default=False)
SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz|health|metrics)$"]  # probes and Prometheus use HTTP
# Unless Django redirects to HTTPS, the reverse proxy does (deploy/nginx-tls.conf).
SILENCED_SYSTEM_CHECKS = [] if SECURE_SSL_REDIRECT else ["security.W008"]
# Trust X-Forwarded-For and X-Forwarded-Proto. Safe only behind a proxy that overwrites them.
PROXY_HEADERS = env.bool("PROXY_HEADERS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXY_HEADERS else None

# If off, reads require a session or a token: see docs/security.md.
READS_PUBLIC = env.bool("READS_PUBLIC", default=True)
# If on, requests from localhost may write without a token.
LOCAL_WRITES = env.bool("LOCAL_WRITES", default=DEBUG)

# Loading daphne takes a third of the time in which a process starts. Only its runserver needs it as
# an app; the command `daphne` loads it by itself.
OF_RUNSERVER = ["daphne"] if sys.argv[1:2] == ["runserver"] else []
INSTALLED_APPS = [
    *OF_RUNSERVER,
    "pytrade.adminsite.AdminConfig",
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
    "axes",
    "corsheaders",
    "instruments",
    "journal",
    "quotes",
    "exchange",
    "indicators",
    "orderflow",
    "venues",
    "venues.accounts",
    "venues.feeds",
    "venues.gateway",
    "trading",
    "pytrade",
]

MIDDLEWARE = [
    "pytrade.requestid.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "pytrade.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "pytrade.access.ReadersMiddleware",
    "pytrade.throttling.PageThrottleMiddleware",
    "pytrade.outages.OutageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "pytrade.urls"
ASGI_APPLICATION = "pytrade.asgi.application"
# Concurrent requests per web process: pytrade/handler.py.
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
# The PostgreSQL schema that holds our tables, created by `migrate`; empty: the server's default.
DATABASE_SCHEMA = env.str("DATABASE_SCHEMA", default="")
DATABASES = {"default": connection_settings(DATABASE_URL, DATABASE_TIMEOUT_S, DATABASE_SCHEMA)}
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
            # One channel per process receives every frame, and its groups must never expire.
            "CONFIG": {"capacity": 20_000, "group_expiry": 10 * 365 * 86_400},
        }
    }
    CELERY_TASK_ALWAYS_EAGER = True

# The gateway to Deribit: see docs/gateway.md.
DERIBIT_URL = env.str("DERIBIT_URL", default="ws://127.0.0.1:8000/deribit/ws/api/v2")
DERIBIT_REQUESTS_PER_S = env.float("DERIBIT_REQUESTS_PER_S", default=15.0)
DERIBIT_MOST_WAITING = env.int("DERIBIT_MOST_WAITING", default=1000)
DERIBIT_FETCH_S = env.float("DERIBIT_FETCH_S", default=50.0)
DERIBIT_REFRESH_S = env.float("DERIBIT_REFRESH_S", default=45.0)

# Tasks are killed after this time; tasks of a dead worker are redelivered after twice as long.
TASK_TIME_LIMIT_S = env.int("TASK_TIME_LIMIT_S", default=120)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 2 * TASK_TIME_LIMIT_S,
    "unacked_restore_throttle": 1,  # check for tasks of dead workers every 10 s instead of 100 s
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # tasks wait in the broker, not in a busy worker
CELERY_TASK_IGNORE_RESULT = True  # results are stored as rows
# One worker has the connections to the venue, and so the limit on requests.
# Prices do not wait for a flood of logins: in Redis, priority 0 comes first, 9 last.
CELERY_TASK_ROUTES = {
    "gateway.authenticate": {"queue": "gateway", "priority": 9},
    "gateway.*": {"queue": "gateway"},
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

# Logins: see docs/security.md.
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "bots"
LOGOUT_REDIRECT_URL = "watchlist"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = env.int("LOGIN_FAILURES", default=10)
AXES_COOLOFF_TIME = timedelta(minutes=env.float("LOGIN_LOCK_MINUTES", default=15.0))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "pytrade.throttling.address_of"
AXES_LOCKOUT_CALLABLE = "pytrade.throttling.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
SIMPLE_JWT = {
    "SIGNING_KEY": sha256(f"JSON web tokens {SECRET_KEY}".encode()).hexdigest(),
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=env.float("ACCESS_TOKEN_MINUTES", default=5.0)),
    "REFRESH_TOKEN_LIFETIME": timedelta(hours=env.float("REFRESH_TOKEN_HOURS", default=24.0)),
    "CHECK_REVOKE_TOKEN": True,  # tokens end with the password
}
# Other origins whose pages may call the API; they send tokens, never cookies.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/v[12]/.*$"

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
        "pytrade.jsonparser.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["pytrade.throttling.WindowThrottle"],
    "EXCEPTION_HANDLER": "web.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "NUM_PROXIES": 1 if PROXY_HEADERS else 0,
}
# Rate limits of API and pages per address and per user: N/second|minute|hour|day; empty: no limit.
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
# Spans of bots are exported to this OTLP collector over HTTP; empty: not at all.
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
DEFAULT_EXCEPTION_REPORTER_FILTER = "pytrade.secrecy.ReporterFilter"

# Every so many seconds, log which lines of code hold more memory than before; 0: never.
LEAK_TRACE_S = env.float("LEAK_TRACE_S", default=0)

# The journal and the lease: see docs/architecture.md.
JOURNAL_FLUSH_S = env.float("JOURNAL_FLUSH_S", default=0.05)
JOURNAL_BATCH_RECORDS = env.int("JOURNAL_BATCH_RECORDS", default=20_000)
JOURNAL_QUEUE_RECORDS = env.int("JOURNAL_QUEUE_RECORDS", default=100_000)
LEASE_TTL_S = env.float("LEASE_TTL_S", default=15.0)

# The exchange: see docs/operations.md. Secrets of API keys are encrypted with a key that is derived
# from EXCHANGE_SECRETS_KEY, or from SECRET_KEY where that is empty.
EXCHANGE_SECRETS_KEY = env.str("EXCHANGE_SECRETS_KEY", default="")
EXCHANGE_ORDERS_PER_S = env.float("EXCHANGE_ORDERS_PER_S", default=50.0)
EXCHANGE_ORDERS_BURST = env.int("EXCHANGE_ORDERS_BURST", default=100)
PRACTICE_ACCOUNTS = env.bool("PRACTICE_ACCOUNTS", default=DEBUG)
PRACTICE_RATE = _rate("PRACTICE_RATE", "20/hour")

# Order flow: see docs/orderflow.md.
FOOTPRINT_CACHE_S = env.int("FOOTPRINT_CACHE_S", default=600)
FOOTPRINT_PUSH_MS = env.int("FOOTPRINT_PUSH_MS", default=250)
FOOTPRINT_PUSH_ROWS = env.int("FOOTPRINT_PUSH_ROWS", default=3)

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "clusters": shared_cache(REDIS_URL, "clusters", 0.5),
    "books": shared_cache(REDIS_URL, "books", 0.1),
    "clients": shared_cache(REDIS_URL, "clients", 0.5),
    "gateway": shared_cache(REDIS_URL, "gateway", 2, entries=200_000),
}

# Scales the rate limits of the Bybit door, 0: no limits: see docs/bybit.md.
BYBIT_LIMIT_FACTOR = env.float("BYBIT_LIMIT_FACTOR", default=1.0)
# The same of the Deribit door: see docs/deribit.md.
DERIBIT_LIMIT_FACTOR = env.float("DERIBIT_LIMIT_FACTOR", default=1.0)

# Retention of books and trades: see docs/operations.md.
EXCHANGE_KEEP_BOOK_S = env.int("EXCHANGE_KEEP_BOOK_S", default=0)
EXCHANGE_KEEP_TRADES_S = env.int("EXCHANGE_KEEP_TRADES_S", default=0)

# Orders of bots that are pending or partially filled for longer are reported: see docs/trading.md.
TRADING_HANGING_S = env.float("TRADING_HANGING_S", default=1800.0)
# Whether a running market runs the bots that are wanted, too: see docs/trading.md.
MARKET_RUNS_BOTS = env.bool("MARKET_RUNS_BOTS", default=True)

# The stream: see docs/live.md.
STREAM_CONNECTIONS_PER_ADDRESS = env.int("STREAM_CONNECTIONS_PER_ADDRESS", default=5000)
STREAM_BACKLOG_BYTES = env.int("STREAM_BACKLOG_BYTES", default=1_048_576)
STREAM_IDLE_S = env.float("STREAM_IDLE_S", default=60.0)
