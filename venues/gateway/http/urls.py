"""URLs of the gateway under /api/v1/venues/."""

from django.urls import path

from venues.gateway.http.connections import ConnectionsView, ConnectionView
from venues.gateway.http.prices import PricesView
from venues.gateway.http.stream import stream
from venues.gateway.http.subscriptions import SubscriptionsView, SubscriptionView
from venues.gateway.http.venues import VenuesView

ONE = "deribit/connections/<str:token>/"

urlpatterns = [
    path("", VenuesView.as_view(), name="venues"),
    path("deribit/connections/", ConnectionsView.as_view(), name="venue-connections"),
    path(ONE, ConnectionView.as_view(), name="venue-connection"),
    path(f"{ONE}stream/", stream, name="venue-stream"),
    path(f"{ONE}subscriptions/", SubscriptionsView.as_view(), name="venue-subscriptions"),
    path(
        f"{ONE}subscriptions/<str:ticker>/", SubscriptionView.as_view(), name="venue-subscription"
    ),
    path("deribit/prices/<str:ticker>/", PricesView.as_view(), name="venue-prices"),
]
