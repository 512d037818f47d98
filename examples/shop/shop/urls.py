"""Two pages: the admin, and one that asks."""

from django.contrib import admin
from django.urls import path

from shop.views import describe

urlpatterns = [
    path("admin/", admin.site.urls),
    path("describe/<slug:product>/", describe),
]
