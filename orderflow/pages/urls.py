from django.urls import path

from orderflow.pages import views

urlpatterns = [
    path("instruments/<str:symbol>/orderflow/", views.orderflow, name="orderflow"),
]
