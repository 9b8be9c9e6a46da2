"""Addresses of the pages of bots, and of the login."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path, re_path

from trading.pages import bots, orders, oversight, screener

urlpatterns = [
    path("screener/", screener.screener, name="screener"),
    path("login/", LoginView.as_view(template_name="trading/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("trading/", bots.bots, name="bots"),
    path("trading/bots/<str:bot_id>/", bots.bot, name="bot"),
    re_path(
        r"^trading/bots/(?P<bot_id>[0-9]+)/(?P<action>start|stop|kill|release|recover)/$",
        bots.act,
        name="bot-act",
    ),
    re_path(r"^trading/switch/(?P<action>kill|release)/$", bots.switch, name="switch"),
    path("trading/orders/", orders.orders, name="bot-orders"),
    path("trading/orders/<str:order_id>/", orders.order, name="bot-order"),
    path("trading/positions/", orders.positions, name="positions"),
    path("trading/positions/<str:position_id>/close/", orders.close, name="close"),
    path("trading/risk/", oversight.risk, name="risk"),
    path("trading/recovery/", oversight.recovery, name="recovery"),
    path("trading/audit/", oversight.audit, name="audit"),
]
