"""Addresses of the pages of bots, and of the login."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path, re_path

from trading.pages import screener, views

urlpatterns = [
    path("screener/", screener.screener, name="screener"),
    path("login/", LoginView.as_view(template_name="trading/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("trading/", views.bots, name="bots"),
    path("trading/bots/<str:bot_id>/", views.bot, name="bot"),
    re_path(
        r"^trading/bots/(?P<bot_id>[0-9]+)/(?P<action>start|stop|kill|release|recover)/$",
        views.act,
        name="bot-act",
    ),
    re_path(r"^trading/switch/(?P<action>kill|release)/$", views.switch, name="switch"),
    path("trading/orders/", views.orders, name="bot-orders"),
    path("trading/orders/<str:order_id>/", views.order, name="bot-order"),
    path("trading/positions/", views.positions, name="positions"),
    path("trading/positions/<str:position_id>/close/", views.close, name="close"),
    path("trading/risk/", views.risk, name="risk"),
    path("trading/recovery/", views.recovery, name="recovery"),
    path("trading/audit/", views.audit, name="audit"),
]
