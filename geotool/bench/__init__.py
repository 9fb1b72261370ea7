"""Speed: ours and the reference, in turns, in one process, as ratios."""
