"""The command ``espalier demo``: shrink a small network on a real data set."""
