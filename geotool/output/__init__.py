"""What leaves the engine: maps, and files in the formats other programs read."""
