"""URLs under /api/v1/."""

from django.urls import path

from trading.http import bots, killswitch, logins, orders, oversight, positions

urlpatterns = [
    path("auth/token/", logins.TokenView.as_view(), name="api-token"),
    path("auth/token/refresh/", logins.RefreshView.as_view(), name="api-token-refresh"),
    path("auth/token/verify/", logins.VerifyView.as_view(), name="api-token-verify"),
    path("auth/password/", logins.PasswordView.as_view(), name="api-password"),
    path("trading/bots/", bots.BotsView.as_view(), name="api-bots"),
    path("trading/bots/<str:bot_id>/", bots.BotView.as_view(), name="api-bot"),
    path("trading/bots/<str:bot_id>/start/", bots.StartView.as_view(), name="api-bot-start"),
    path("trading/bots/<str:bot_id>/stop/", bots.StopView.as_view(), name="api-bot-stop"),
    path("trading/bots/<str:bot_id>/kill/", killswitch.KillView.as_view(), name="api-bot-kill"),
    path(
        "trading/bots/<str:bot_id>/config/", bots.ConfigurationView.as_view(), name="api-bot-config"
    ),
    path("trading/kill/", killswitch.KillAllView.as_view(), name="api-kill"),
    path("trading/orders/", orders.OrdersView.as_view(), name="api-bot-orders"),
    path("trading/orders/<str:order_id>/", orders.OrderView.as_view(), name="api-bot-order"),
    path("trading/positions/", positions.PositionsView.as_view(), name="api-bot-positions"),
    path(
        "trading/positions/<str:position_id>/close/",
        positions.ClosePositionView.as_view(),
        name="api-bot-position-close",
    ),
    path(
        "trading/positions/<str:position_id>/reverse/",
        positions.ReversePositionView.as_view(),
        name="api-bot-position-reverse",
    ),
    path("trading/audit/", oversight.AuditView.as_view(), name="api-bot-audit"),
    path("trading/risk/", oversight.RiskView.as_view(), name="api-risk"),
    path("trading/statistics/", oversight.StatisticsView.as_view(), name="api-bot-statistics"),
    path("trading/recovery/", oversight.RecoveriesView.as_view(), name="api-recovery"),
]
