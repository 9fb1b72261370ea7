"""How good a model is: errors over a data set with known coordinates, and what they sum up to."""
