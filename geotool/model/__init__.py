"""Photo -> vector and coordinates -> vector: towers, heads, weights, and the registry of models."""
