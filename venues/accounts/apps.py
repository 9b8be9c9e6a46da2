from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "venues.accounts"
    label = "venue_accounts"
    verbose_name = "accounts at venues"
