"""Addresses of the pages of bots, and of the login."""

from django.contrib.auth.views import LogoutView
from django.urls import path, re_path

from trading.pages import bots, logins, orders, oversight, positions, screener

urlpatterns = [
    path("screener/", screener.screener, name="screener"),
    path("login/", logins.LoginPage.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("password/", logins.PasswordPage.as_view(), name="password"),
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
    path("trading/positions/", positions.positions, name="positions"),
    path("trading/positions/<str:position_id>/", positions.position, name="position"),
    re_path(
        r"^trading/positions/(?P<position_id>[0-9]+)/(?P<action>close|reverse)/$",
        positions.act,
        name="position-act",
    ),
    path("trading/risk/", oversight.risk, name="risk"),
    path("trading/recovery/", oversight.recovery, name="recovery"),
    path("trading/audit/", oversight.audit, name="audit"),
]
