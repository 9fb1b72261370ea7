"""From candidates to an answer: places, names, confidence."""
