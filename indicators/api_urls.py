"""Addresses under /api/v1/indicators/."""

from django.urls import path

from indicators import api, runs_api

urlpatterns = [
    path("", api.CatalogueView.as_view(), name="api-indicators"),
    path("runs/", runs_api.RunsView.as_view(), name="api-runs"),
    path("runs/<str:run_id>/", runs_api.RunView.as_view(), name="api-run"),
    path("<str:name>/<str:symbol>/", api.EstimateView.as_view(), name="api-estimate"),
    path("<str:name>/<str:symbol>/series/", api.SeriesView.as_view(), name="api-series"),
    path("<str:name>/<str:symbol>/rolling/", api.RollingView.as_view(), name="api-rolling"),
]
