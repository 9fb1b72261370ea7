"""Train models on data sets of pictures with coordinates."""
