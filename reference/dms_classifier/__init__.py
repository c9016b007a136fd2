"""Classification of diffuse-multiple-scattering patterns: facts, data, metrics in NumPy; models in pt/ and tf/."""
