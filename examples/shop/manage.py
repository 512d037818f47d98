"""A Django project that asks tiers, with its entries, budgets and usage in the admin.

    cd examples/shop
    python manage.py migrate
    python manage.py llms sync_env            # the entries of the environment's keys
    python manage.py createsuperuser
    python manage.py runserver

Then http://127.0.0.1:8000/describe/tea-cosy/ asks, and http://127.0.0.1:8000/admin/ shows who answered.
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    execute_from_command_line(sys.argv)
