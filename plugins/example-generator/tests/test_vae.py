"""What is particular to this generator, beside what holds for all."""

import numpy as np
from vbench_example_generator.vae import Vae

import vbench
from vbench import registry
from vbench.testing import ToyPatches

SIZE = (16, 16)


def fitted(**params):
    """Fit with the tiny parameters and these, and return method and reports."""
    method = Vae(Vae.Params(**{**Vae.tiny, **params}), vbench.Setup(SIZE))
    reports = list(method.fit(ToyPatches(SIZE), seed=1))
    return method, reports


def test_it_is_found_through_its_entry_point():
    """Installed, it is known by name."""
    assert registry.default().generator("example-vae") is Vae


def test_training_lowers_the_loss():
    """Image and label are reconstructed better and better."""
    _, reports = fitted(steps=100, batch_size=16, width=8, latent=8, lr=1e-2)
    first, last = reports[0].metrics, reports[-1].metrics
    assert last["image"] < 0.4 * first["image"]
    assert last["label"] < 0.4 * first["label"]


def test_samples_have_the_vessel_share_of_the_training_patches():
    """The label is cut where it should be."""
    method, _ = fitted(steps=100, batch_size=16, width=8, latent=8, lr=1e-2)
    patches = ToyPatches(SIZE)
    real = patches.take(np.arange(len(patches)))[:, 1].mean()
    assert 0.5 * real < method.sample(64, seed=2)[:, 1].mean() < 2 * real
