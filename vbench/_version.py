"""The version, in one place that anything may read without importing the package's names."""

__version__ = "0.1.0"
