"""Django's settings for the tests of this directory; every other test runs without Django."""

import os

# Here and not in pyproject.toml: a session that tests only the SDK must not need Django at all.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django_app.settings")
