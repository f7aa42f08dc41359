"""How much is to be gained at a point."""
