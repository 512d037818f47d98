"""The browser of the other screens, for the keys as well."""

from tests.django_app.admin.conftest import boss as boss
from tests.django_app.admin.conftest import browser as browser
from tests.django_app.admin.conftest import visit as visit
