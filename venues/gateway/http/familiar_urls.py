"""URLs of the gateway as the CryptoMarket service has them, under /api/."""

from django.urls import path

from venues.gateway.http.familiar import (
    CancelAllOrdersView,
    CancelOrderView,
    CreateOrderView,
    GetOrderView,
    connect,
)

USER = "v1/market/<str:user>/"

urlpatterns = [
    path("v2/sse/connection", connect, name="sse-connection"),
    path(f"{USER}create_order/<str:ticker>", CreateOrderView.as_view(), name="create-order"),
    path(f"{USER}cancel_order/<str:ticker>", CancelOrderView.as_view(), name="cancel-order"),
    path(f"{USER}cancel_all_orders", CancelAllOrdersView.as_view(), name="cancel-all-orders"),
    path(f"{USER}get_order/<str:ticker>", GetOrderView.as_view(), name="get-order"),
]
