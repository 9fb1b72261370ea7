"""What each part of training on features is worth: several variants, several seeds, one table."""
