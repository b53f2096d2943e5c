"""The version, in one place that anything may read without importing the package's names."""

__version__ = "0.2.0"

#: The version that job keys name for the built-in plugins, so that a release keeps what has been
#: computed. Raised to the release's own by one that changes what they compute from outside of their
#: source, which is in the keys itself, and of the stages, which have versions of their own.
KEYS = "0.1.0"
