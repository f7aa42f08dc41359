"""Find the point where an acquisition function is largest."""
