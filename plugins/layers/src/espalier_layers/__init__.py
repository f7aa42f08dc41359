"""Dynamic versions of the `torch.nn` layers."""
