from django.apps import AppConfig


class PyTradeConfig(AppConfig):
    name = "pytrade"
