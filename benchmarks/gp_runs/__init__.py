"""Samplers on test functions and on tuning, each peer in an environment of its own."""
