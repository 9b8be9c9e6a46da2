"""The only reader of large tables: range scans, columns, rows, CSV and Arrow; audits."""
