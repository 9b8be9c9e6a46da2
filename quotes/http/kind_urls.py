"""URLs of every public kind; earlier URL patterns take precedence."""

from django.urls import path

from market.kinds import public_kinds
from quotes.http.tables import kind_view

urlpatterns = [
    path(
        f"instruments/<str:symbol>/{kind.name}/", kind_view(kind).as_view(), name=f"api-{kind.name}"
    )
    for kind in public_kinds()
]
