"""URLs of the exchange under /api/v1/."""

from django.urls import path

from exchange.http.book import BookView

urlpatterns = [
    path("instruments/<str:symbol>/book/", BookView.as_view(), name="api-book"),
]
