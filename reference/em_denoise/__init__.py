"""Denoising of electron micrographs: facts, data, metrics and baselines in NumPy; models in pt/ and tf/."""
