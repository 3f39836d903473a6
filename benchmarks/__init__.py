"""Speed of the product, and figures about the embedded parts: python -m benchmarks.NAME."""
