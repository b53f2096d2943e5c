"""A generator that has the name of another."""

import numpy as np

import vbench


class Clash(vbench.Generator):
    """Has the name of another."""

    name = "dcgan"
    Params = vbench.Params

    def fit(self, patches, *, seed):
        """Learn nothing."""
        yield vbench.Progress(1, 1)

    def sample(self, n, *, seed):
        """Return images alone."""
        return np.zeros((n, *self.setup.size), np.float32)

    def weights(self):
        """Return nothing."""
        return {}

    def load_weights(self, weights):
        """Take nothing."""


@vbench.hookimpl
def vbench_register_generators(register):
    """Register it."""
    register(Clash)
