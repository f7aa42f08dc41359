"""What `benchmarks/pruning.py` runs: tasks, methods, and what is measured of each."""
