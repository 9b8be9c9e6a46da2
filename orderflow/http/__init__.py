"""Order flow over HTTP: clusters, synchronisation, profiles, heat maps, depth."""
