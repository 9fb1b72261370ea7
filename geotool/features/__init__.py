"""Features of photos: what a model's image tower gives before its head, computed once and kept on disk."""
