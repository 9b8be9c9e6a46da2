"""URLs of the exchange under /api/v1/."""

from django.urls import path

from exchange.http import accounts, orders, schemes
from exchange.http.book import BookView
from exchange.http.bookchanges import BookChangesView
from exchange.http.practice import PracticeView
from exchange.http.trades import TimeAndSalesView, TradesView
from exchange.http.truth import TruthView

urlpatterns = [
    path("trades.arrow", TimeAndSalesView.as_view(), name="api-time-and-sales"),
    path("instruments/<str:symbol>/trades/", TradesView.as_view(), name="api-trades"),
    path("instruments/<str:symbol>/book/", BookView.as_view(), name="api-book"),
    path(
        "instruments/<str:symbol>/book/changes/",
        BookChangesView.as_view(),
        name="api-book-changes",
    ),
    path("instruments/<str:symbol>/truth/", TruthView.as_view(), name="api-truth"),
    path("account/", accounts.AccountView.as_view(), name="api-account"),
    path("practice/", PracticeView.as_view(), name="api-practice"),
    path("orders/", orders.OrdersView.as_view(), name="api-orders"),
    path("orders/events/", orders.OrderEventsView.as_view(), name="api-order-events"),
    path("orders/<str:order_id>/", orders.OrderView.as_view(), name="api-order"),
    path("executions/", accounts.ExecutionsView.as_view(), name="api-executions"),
    path("balance/", accounts.BalanceView.as_view(), name="api-balance"),
    path("ledger/", accounts.LedgerView.as_view(), name="api-ledger"),
    path("positions/", accounts.PositionsView.as_view(), name="api-positions"),
    path("positions/<str:symbol>/leverage/", accounts.LeverageView.as_view(), name="api-leverage"),
    path("positions/<str:symbol>/close/", accounts.CloseView.as_view(), name="api-close"),
]

__all__ = ["schemes", "urlpatterns"]  # drf-spectacular finds what is imported
