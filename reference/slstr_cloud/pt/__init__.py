"""The PyTorch twin of slstr_cloud."""
