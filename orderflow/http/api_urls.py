"""URLs of order flow under /api/v1/instruments/{symbol}/."""

from django.urls import path

from orderflow.http.depth import DepthView
from orderflow.http.footprint import FootprintView
from orderflow.http.heatmap import HeatmapView
from orderflow.http.profile import ProfileView
from orderflow.http.sync import SyncView

urlpatterns = [
    path("footprint/", FootprintView.as_view(), name="api-footprint"),
    path("footprint/sync/", SyncView.as_view(), name="api-footprint-sync"),
    path("profile/", ProfileView.as_view(), name="api-profile"),
    path("heatmap/", HeatmapView.as_view(), name="api-heatmap"),
    path("depth/", DepthView.as_view(), name="api-depth"),
]
