"""The control plane alone, for a WSGI server of yours."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_app.project.settings")  # noqa: TID251 - Django reads it there

application = get_wsgi_application()
