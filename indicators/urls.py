from django.urls import path

from indicators import runpages, views

urlpatterns = [
    path("", views.laboratory, name="laboratory"),
    path("runs/", runpages.computations, name="runs"),
    path("runs/<str:run_id>/cancel/", runpages.cancel, name="cancel-run"),
]
