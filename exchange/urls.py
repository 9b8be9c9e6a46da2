"""Pages of the exchange."""

from django.urls import path

from exchange import views

urlpatterns = [path("truth/", views.truth, name="truth")]
