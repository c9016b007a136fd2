"""The framework-agnostic harness: it starts implementations, watches them, and judges nothing itself."""
