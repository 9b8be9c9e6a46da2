"""URLs of order flow under /api/v1/instruments/{symbol}/."""

from django.urls import path

from orderflow.http.footprint import FootprintView

urlpatterns = [
    path("footprint/", FootprintView.as_view(), name="api-footprint"),
]
