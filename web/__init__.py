"""What every HTTP endpoint shares: problems, query parameters, tables as responses."""
