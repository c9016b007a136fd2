"""The TensorFlow twin of toy."""
