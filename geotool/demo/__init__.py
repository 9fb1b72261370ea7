"""The Blue Marble world: satellite tiles with known coordinates, cut from a picture of the whole Earth."""
