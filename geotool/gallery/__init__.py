"""The points an answer is chosen from: coordinates and their embeddings as one artefact, and search."""
