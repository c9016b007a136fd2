"""The TensorFlow twin of dms_classifier."""
