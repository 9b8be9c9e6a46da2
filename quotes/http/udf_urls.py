"""URLs under /udf/; the charting library requests them without a trailing slash."""

from django.urls import path

from quotes.http import udf

urlpatterns = [
    path("config", udf.ConfigView.as_view(), name="udf-config"),
    path("symbols", udf.SymbolsView.as_view(), name="udf-symbols"),
    path("search", udf.SearchView.as_view(), name="udf-search"),
    path("history", udf.BarsView.as_view(), name="udf-history"),
    path("time", udf.TimeView.as_view(), name="udf-time"),
    path("marks", udf.MarksView.as_view(), name="udf-marks"),
    path("timescale_marks", udf.TimescaleMarksView.as_view(), name="udf-timescale-marks"),
]
