from django.urls import path

from quotes.pages import views

urlpatterns = [
    path("", views.watchlist, name="watchlist"),
    path("instruments/<str:symbol>/", views.instrument, name="instrument"),
]
