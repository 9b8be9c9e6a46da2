"""URLs of the exchange under /api/v1/."""

from django.urls import path

from exchange.http.book import BookView
from exchange.http.trades import TimeAndSalesView, TradesView
from exchange.http.truth import TruthView

urlpatterns = [
    path("trades.arrow", TimeAndSalesView.as_view(), name="api-time-and-sales"),
    path("instruments/<str:symbol>/trades/", TradesView.as_view(), name="api-trades"),
    path("instruments/<str:symbol>/book/", BookView.as_view(), name="api-book"),
    path("instruments/<str:symbol>/truth/", TruthView.as_view(), name="api-truth"),
]
