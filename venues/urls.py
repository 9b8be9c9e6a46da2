from django.urls import path

from venues.pages import connected_clients, gateway

urlpatterns = [
    path("clients/", connected_clients, name="clients"),
    path("gateway/", gateway, name="gateway"),
]
