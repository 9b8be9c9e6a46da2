from django.urls import path

from indicators import views

urlpatterns = [path("", views.laboratory, name="laboratory")]
