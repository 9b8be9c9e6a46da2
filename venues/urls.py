from django.urls import path

from venues.pages import connected_clients

urlpatterns = [path("clients/", connected_clients, name="clients")]
