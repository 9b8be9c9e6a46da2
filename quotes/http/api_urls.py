"""URLs under /api/v1/."""

from django.urls import path

from live import sse
from quotes.http import api

urlpatterns = [
    path("stream/", sse.stream, name="api-stream"),
    path("instruments/", api.InstrumentsView.as_view(), name="api-instruments"),
    path("instruments/<str:symbol>/", api.InstrumentView.as_view(), name="api-instrument"),
    path("instruments/<str:symbol>/quotes/", api.QuotesView.as_view(), name="api-quotes"),
    path("instruments/<str:symbol>/candles/", api.CandlesView.as_view(), name="api-candles"),
    path("instruments/<str:symbol>/regimes/", api.RegimesView.as_view(), name="api-regimes"),
]
