"""One file per tab: Locate, Models, Help."""
