"""The PyTorch twin of toy."""
