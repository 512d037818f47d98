"""The keys in the admin, beside the screens of the entries."""

from django_app.access.admin import keys_admin as keys_admin
