"""The TensorFlow twin of slstr_cloud."""
