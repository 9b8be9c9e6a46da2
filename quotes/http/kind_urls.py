"""URLs of every registered kind; earlier URL patterns take precedence."""

from django.urls import path

from market.kinds import kinds
from quotes.http.tables import kind_view

urlpatterns = [
    path(
        f"instruments/<str:symbol>/{kind.name}/", kind_view(kind).as_view(), name=f"api-{kind.name}"
    )
    for kind in kinds()
]
