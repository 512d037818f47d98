"""The admin: plain Django, complete without JavaScript, and in the look of django-unfold where that is installed."""

from django_app.llms.admin import llms_admin as llms_admin
from django_app.llms.admin import other_admins as other_admins
