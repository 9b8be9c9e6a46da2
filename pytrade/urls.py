import pytrade.restframework  # noqa: F401, I001  before all that imports it
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path, re_path, resolve
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from pytrade import health
from pytrade.status import status
from quotes.pages.views import not_found
from web.problems import problem


def unknown_address(request: HttpRequest) -> HttpResponse:
    return problem(404, f"there is nothing at {request.path}: see /api/docs/")


def unknown_page(request: HttpRequest) -> HttpResponse:
    """Return the 404 page, also with DEBUG on; redirect if only the trailing slash is missing."""
    asked = request.path_info
    if not asked.endswith("/") and resolve(f"{asked}/").func is not unknown_page:
        return redirect(request.get_full_path(force_append_slash=True), permanent=True)
    return not_found(request, f"There is no page {request.path}.")


urlpatterns = [
    path("", include("quotes.pages.urls")),
    path("", include("orderflow.pages.urls")),
    path("", include("trading.pages.urls")),
    path("laboratory/", include("indicators.urls")),
    path("exchange/", include("exchange.urls")),
    path("venues/", include("venues.urls")),
    path("status/", status, name="status"),
    path("api/v1/", include("quotes.http.api_urls")),
    path("api/v1/indicators/", include("indicators.api_urls")),
    path("api/v1/", include("exchange.http.api_urls")),
    path("api/v1/", include("trading.http.api_urls")),
    path("api/v1/instruments/<str:symbol>/", include("orderflow.http.api_urls")),
    path("api/v1/venues/", include("venues.gateway.http.urls")),
    path("api/", include("venues.gateway.http.familiar_urls")),
    path("api/v1/", include("quotes.http.kind_urls")),  # of kinds without a view of their own
    path("udf/", include("quotes.http.udf_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    re_path(r"^(?:api/v[12]/(?:.*/)?$|udf/)", unknown_address),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("health", health.readyz, name="health"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    re_path(r"^", unknown_page),
]
