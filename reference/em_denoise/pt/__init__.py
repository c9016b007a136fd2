"""The PyTorch twin of em_denoise."""
