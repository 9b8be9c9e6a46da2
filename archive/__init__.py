"""The only reader of large tables: range scans, columns, rows, CSV and Arrow."""

from archive.columns import Columns, joined
from archive.scanning import scan
from archive.selections import EVER, Span, select

__all__ = ["EVER", "Columns", "Span", "joined", "scan", "select"]
