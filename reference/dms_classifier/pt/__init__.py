"""The PyTorch twin of dms_classifier."""
