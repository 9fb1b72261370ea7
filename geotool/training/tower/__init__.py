"""Train an image tower with its location encoder from the pixels of small pictures."""
