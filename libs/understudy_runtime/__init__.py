"""The outside world, one module a thing, each importable alone."""
