"""Django's settings of the ready-made site. Everything that differs between sites comes from the environment."""

from secrets import token_urlsafe
from socket import gethostname

from django_app.llms.keys.sealing import new_master_key
from django_app.project import data_dir
from django_app.project.databases import database
from django_app.project.site import Site

SITE = Site.from_env()
data_dir.prepare(SITE.data_dir)

DEBUG = False
SECRET_KEY = (
    SITE.secret_key.reveal()
    if SITE.secret_key
    else data_dir.kept(SITE.data_dir / data_dir.SECRET_KEY, lambda: token_urlsafe(50))
)
DATABASES = {"default": database(SITE.database_url, SITE.data_dir)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_app.llms",
    "django_app.access",
    "django_app.replicas",
    "django_app.project",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "django_app.project.urls"
WSGI_APPLICATION = "django_app.project.wsgi.application"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

STATIC_URL = "static/"
# Files are served from where the apps keep them: nothing to collect, nothing to forget after an update.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600

# Names only: a page that a stranger's site points here by DNS shows that site's name, and is refused.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", gethostname(), *SITE.allowed_hosts]
if SITE.public_host:
    ALLOWED_HOSTS.append(SITE.public_host)
CSRF_TRUSTED_ORIGINS = [SITE.public_url] if SITE.public_url else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE.is_https
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "creative_services_session", "creative_services_csrf"
SECURE_HSTS_SECONDS = 3600 if SITE.is_https else 0

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("zh-hans", "简体中文")]
USE_TZ = True

# The root logger's handler is the server's, which writes JSON; Django would write to it in words of its own.
LOGGING_CONFIG = None

CREATIVE_SERVICES = {
    "ENCRYPTION_KEYS": [key.reveal() for key in SITE.encryption_keys]
    or data_dir.kept(SITE.data_dir / data_dir.ENCRYPTION_KEYS, new_master_key).split(),
    "REDIS_URL": SITE.redis_url,
    "SPOOL_DIR": str(SITE.data_dir / "usage"),
    "ENDPOINT_ALLOW": list(SITE.endpoint_allow),
    "REPLICAS": SITE.roster_url,
}
