"""Cloud segmentation of Sentinel-3 SLSTR scenes: facts, data, metrics and baselines in NumPy; models in pt/ and tf/."""
