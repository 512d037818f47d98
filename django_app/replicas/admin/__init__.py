"""The replicas in the admin, beside the screens of the entries."""

from django_app.replicas.admin import replicas_admin as replicas_admin
