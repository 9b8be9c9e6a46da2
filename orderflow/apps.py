from django.apps import AppConfig


class OrderflowConfig(AppConfig):
    name = "orderflow"
