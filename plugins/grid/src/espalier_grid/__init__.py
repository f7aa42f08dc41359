"""Samplers that need no results: every point of a grid, and random ones."""
