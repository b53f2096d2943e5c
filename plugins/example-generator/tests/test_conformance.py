"""The conformance tests of vbench, for the autoencoder."""

from vbench_example_generator.vae import Vae

from vbench.testing import GeneratorSuite


class TestVae(GeneratorSuite):
    """Every check, as `vbench check example-vae` runs them."""

    plugin = Vae
