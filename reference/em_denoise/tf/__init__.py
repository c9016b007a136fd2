"""The TensorFlow twin of em_denoise."""
