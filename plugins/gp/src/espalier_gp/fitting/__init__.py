"""Find the hyper-parameters of a process."""
