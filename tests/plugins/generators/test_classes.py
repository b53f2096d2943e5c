"""Several classes and channels: what each generator learns of them, and gives back."""

from typing import Any

import numpy as np
import pytest
import torch
from vbench_plugins.generators.copy import Copy
from vbench_plugins.generators.dp_wgan import DpWgan
from vbench_plugins.generators.flow import FlowNet
from vbench_plugins.generators.gan import Dcgan, R3Gan, WganGp, WganGpSn
from vbench_plugins.generators.geometric import Geometric
from vbench_plugins.generators.mask_first import MaskFirst
from vbench_plugins.generators.monai_flow import MonaiFlow
from vbench_plugins.generators.networks import ClassEnd, Critic, GeneratorNet
from vbench_plugins.generators.noise import Noise
from vbench_plugins.nn.form import ONE, Form

from vbench.interfaces import Generator
from vbench.layout import image_channels, join_patches, label_of
from vbench.types import Array, Patches, Setup

LABELS, CHANNELS = ("artery", "vein", "aneurysm"), ("TOF", "T1")
ALL = (Copy, Noise, Geometric, MaskFirst, MonaiFlow, Dcgan, WganGp, WganGpSn, R3Gan)
#: Classes and channels.
FORMS = ((3, 1), (1, 2), (3, 2))


class Named(Patches):
    """Patches of several classes and channels; the last class is in few of them."""

    def __init__(self, size: tuple[int, ...], labels: int, channels: int, n: int = 12) -> None:
        rng = np.random.default_rng(0)
        label = rng.integers(0, labels + 1, (n, *size)) * (rng.random((n, *size)) < 0.3)
        image = np.clip(rng.normal(-0.2, 0.3, (n, channels, *size)) + 0.2 * label[:, None], -1, 1)
        image[:, 1:] *= -0.5
        self.size, self.subject_index = size, np.arange(n, dtype=np.int32) % 3
        self.labels, self.channels = LABELS[:labels], CHANNELS[:channels]
        self.patches = join_patches(image if channels > 1 else image[:, 0], label)

    def __len__(self) -> int:
        return len(self.patches)

    def take(self, index: Any) -> Any:
        return self.patches[np.asarray(index)].copy()


def built(cls: type[Generator], size: tuple[int, ...], form: tuple[int, int], **params: Any) -> Any:
    classes, channels = form
    setup = Setup(size, labels=LABELS[:classes], channels=CHANNELS[:channels])
    return cls(cls.Params(**{**cls.tiny, **params}), setup)


def fitted(
    cls: type[Generator], size: tuple[int, ...], form: tuple[int, int], **params: Any
) -> Any:
    method = built(cls, size, form, **params)
    for _ in method.fit(Named(size, *form), seed=3):
        pass
    return method


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cls", ALL)
def test_samples_hold_every_channel_and_indices_of_classes(
    cls: type[Generator], form: tuple[int, int]
) -> None:
    classes, channels = form
    method = fitted(cls, (16, 16), form)
    samples = method.sample(5, seed=1)
    assert samples.shape == (5, channels + 1, 16, 16)
    assert samples.dtype == np.float32
    assert abs(image_channels(samples)).max() <= 1
    assert set(np.unique(label_of(samples))) <= set(range(classes + 1))
    np.testing.assert_array_equal(samples[:3], method.sample(3, seed=1))
    again = built(cls, (16, 16), form)
    again.load_weights(method.weights())
    np.testing.assert_array_equal(samples, again.sample(5, seed=1))
    patches = Named((16, 16), *form).take(range(3))
    scores, same = (m.membership_scores(patches.copy()) for m in (method, again))
    if scores is not None:
        assert scores.shape == (3,)
        np.testing.assert_allclose(scores, same)


@pytest.mark.parametrize("cls", [MaskFirst, WganGpSn, Geometric])
def test_blocks_too(cls: type[Generator]) -> None:
    samples = fitted(cls, (8, 8, 8), (3, 2)).sample(2, seed=1)
    assert samples.shape == (2, 3, 8, 8, 8)


def test_the_private_gan_takes_one_class_and_one_channel() -> None:
    assert (DpWgan.classes, DpWgan.channels) == (1, 1)
    assert {(cls.classes, cls.channels) for cls in ALL} == {("any", "any")}


# How classes enter and leave networks


def test_classes_get_a_channel_each_and_come_back() -> None:
    form = Form(2, 3)
    patches = Named((8, 8), 3, 2).take(range(5))
    spread = form.spread(patches)
    assert spread.shape == form.shape(5, (8, 8)) == (5, 5, 8, 8)
    assert set(np.unique(form.label(spread))) == {0, 1}
    np.testing.assert_array_equal(form.gather(spread, 0.5, 0.0), patches)
    spread[:, 2:] = 2 * spread[:, 2:] - 1
    np.testing.assert_array_equal(form.gather(spread, 0.0, -1.0), patches)


def test_with_one_class_nothing_is_copied() -> None:
    patches = Named((8, 8), 1, 1).take(range(5))
    assert ONE.spread(patches) is patches
    assert Form(2, 1).spread(patches) is patches


def test_a_voxel_is_vessel_by_all_classes_together_and_of_the_likeliest() -> None:
    # Probabilities of three classes at four voxels.
    chance = np.array([[0.2, 0.2, 0.2], [0.1, 0.1, 0.1], [0.0, 0.6, 0.1], [0.1, 0.1, 0.45]])
    patches = np.concatenate([np.zeros((1, 1, 4)), chance.T[None]], axis=1).astype(np.float32)
    assert label_of(Form(1, 3).gather(patches, 0.5, 0.0)).tolist() == [[1, 0, 2, 3]]
    assert label_of(Form(1, 3).gather(patches, 0.65, 0.0)).tolist() == [[0, 0, 2, 0]]


@pytest.mark.parametrize("lowest", [-1.0, 0.0])
def test_the_end_of_a_gan_is_a_distribution_over_classes_and_background(lowest: float) -> None:
    raw = torch.randn(2, 2 + 4, 5, 5)
    made = ClassEnd(2, lowest)(raw)
    assert made.shape == (2, 5, 5, 5)
    chance = (made[:, 2:] - lowest) / (1 - lowest)
    assert float(chance.min()) >= 0
    assert float(chance.sum(1).max()) <= 1 + 1e-6
    torch.testing.assert_close(made[:, :2], torch.tanh(raw[:, :2]))
    # The background counts as much as three classes.
    weight = raw[:, 2:].exp() * torch.tensor([3.0, 1, 1, 1])[:, None, None]
    torch.testing.assert_close(chance, (weight / weight.sum(1, keepdim=True))[:, 1:])
    even = ClassEnd(0, lowest)(torch.zeros(1, 4, 2, 2))
    torch.testing.assert_close((even - lowest).sum(1), torch.full((1, 2, 2), (1 - lowest) / 2))


@pytest.mark.parametrize("lowest", [-1.0, 0.0])
def test_nested_a_tanh_says_vessel_and_a_softmax_in_it_which(lowest: float) -> None:
    raw = torch.randn(2, 1 + 4, 5, 5, dtype=torch.float64)  # a small share is divided by
    chance = (ClassEnd(1, lowest, nested=True)(raw)[:, 1:] - lowest) / (1 - lowest)
    torch.testing.assert_close(chance.sum(1), (1 + torch.tanh(raw[:, 1])) / 2)
    torch.testing.assert_close(
        chance / chance.sum(1, keepdim=True), torch.softmax(raw[:, 2:], dim=1)
    )


@pytest.mark.parametrize("end", ["softmax", "nested"])
@pytest.mark.parametrize("layers", [0, 1])
def test_image_and_label_of_a_gan_have_their_channels(layers: int, end: str) -> None:
    p = built(WganGpSn, (16, 16), (3, 2), label_layers=layers, class_end=end).params
    network = GeneratorNet((16, 16), p, Form(2, 3)).eval()
    features = network.features(torch.randn(2, p.latent))
    patches = network.read(features)
    assert patches.shape == (2, 5, 16, 16)
    torch.testing.assert_close(network.label(features, patches), patches[:, 2:])


@pytest.mark.parametrize("preset", ["-1..1", "0..1"])
def test_the_critic_sees_vessel_or_not_in_the_product_whatever_the_class(preset: str) -> None:
    p = built(WganGpSn, (16, 16), (3, 1), label_range=preset).params
    critic, low = Critic((16, 16), p, Form(1, 3)), -1.0 if preset == "-1..1" else 0.0
    label = torch.full((1, 3, 16, 16), low)
    label[:, 1, :8] = 1.0
    patches = torch.cat([torch.rand(1, 1, 16, 16), label], dim=1)
    vessel = critic._vessel(patches)
    assert vessel.shape == (1, 1, 16, 16)
    assert (vessel[..., :8, :] == 1).all()
    assert (vessel[..., 8:, :] == low).all()


def test_hard_labels_that_the_critic_sees_are_of_one_class_and_let_the_gradient_through() -> None:
    method = fitted(WganGpSn, (16, 16), (3, 1), critic_labels="hard")
    trainer = method._trainer
    fake = torch.rand(2, 4, 16, 16) * 0.5 - 0.5
    fake.requires_grad_(True)
    shown = trainer.shown(fake)
    label = shown[:, 1:].detach()
    assert set(np.unique(np.rint(label.numpy()))) <= {-1.0, 1.0}
    assert float((label > 0).sum(1).max()) <= 1
    shown.sum().backward()
    assert fake.grad is not None
    torch.testing.assert_close(fake.grad, torch.ones_like(fake))


def test_a_gan_of_several_classes_and_channels_takes_labels_of_a_segmenter() -> None:
    method = fitted(WganGpSn, (16, 16), (3, 2), label_by="segmenter", critic_labels="hard")
    made = method.sample(4, seed=0)
    assert made.shape == (4, 3, 16, 16)
    assert set(np.unique(label_of(made))) <= {0.0, 1.0, 2.0, 3.0}
    logits = method._trainer.auxiliary.average.module(torch.from_numpy(made[:, :2]))
    assert logits.shape == (4, 4, 16, 16)


def test_agreement_of_several_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="agreement = 1: its segmenter takes one class"):
        built(WganGpSn, (16, 16), (3, 1), agreement=1.0)


# Mask first: classes against the background


def test_one_class_as_log_odds_is_what_a_softmax_with_the_background_says() -> None:
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([0.3, 0.7])
    one = FlowNet((8, 8), "label", width=4, levels=1, fine=2, seen=0)
    odds = one(x, t)
    both = torch.softmax(torch.cat([torch.zeros_like(odds), odds], 1), 1)[:, 1:]
    torch.testing.assert_close(one.clean(x, t), 2 * both - 1)


def test_what_a_voxel_itself_says_is_the_posterior_of_its_class() -> None:
    # Untrained, the network adds nothing: what is left is Bayes' rule for Gaussian noise.
    network = FlowNet((4, 4), "label", width=4, levels=1, fine=2, seen=0, channels=3)
    time = 0.6
    x = torch.randn(5, 3, 4, 4)
    ends = 2 * torch.cat([torch.zeros(1, 3), torch.eye(3)]) - 1
    distance = (x[:, None] - time * ends[None, :, :, None, None]).square().sum(2)
    posterior = torch.softmax(-distance / (2 * (1 - time) ** 2), dim=1)[:, 1:]
    found = network.clean(x, torch.full((5,), time))
    torch.testing.assert_close((found + 1) / 2, posterior, atol=1e-5, rtol=1e-4)


def test_mask_first_learns_mean_and_spread_of_each_channel() -> None:
    method = fitted(MaskFirst, (16, 16), (1, 2))
    moments = np.asarray(method.weights()["moments"])
    assert moments.shape == (2, 2)
    drawn = Named((16, 16), 1, 2).patches
    images = np.moveaxis(image_channels(drawn), 1, 0)
    expected = [[i.mean() for i in images], [i.std() for i in images]]
    np.testing.assert_allclose(moments, expected, atol=0.05)


# The simple ones


def test_noise_has_the_share_of_each_class_and_the_mean_of_each_channel() -> None:
    patches = Named((16, 16), 3, 2, n=40)
    method = built(Noise, (16, 16), (3, 2), patches=400)
    list(method.fit(patches, seed=0))
    made = method.sample(300, seed=0)
    for k in (1, 2, 3):
        share = (label_of(patches.patches) == k).mean()
        assert (label_of(made) == k).mean() == pytest.approx(share, abs=0.01)
    for c in (0, 1):
        real, drawn = image_channels(patches.patches)[:, c], image_channels(made)[:, c]
        assert drawn.mean() == pytest.approx(real.mean(), abs=0.02)


def test_copies_keep_their_classes() -> None:
    method, real = fitted(Copy, (16, 16), (3, 2)), Named((16, 16), 3, 2)
    made = method.sample(12, seed=0)
    assert set(np.unique(label_of(made))) == {0, 1, 2, 3}
    for patch in made[:4]:
        gaps = abs(real.patches - patch).reshape(12, -1).max(1)
        assert gaps.min() < 1e-3


def test_geometric_names_branches_and_takes_veins_for_the_faint_ones() -> None:
    method = built(Geometric, (24, 24, 24), (3, 1), veins=2.0, vessels=2.0, branching=2.0)
    samples = method.sample(12, seed=0)
    assert set(np.unique(label_of(samples))) == {0, 1, 2, 3}
    bright = [image_channels(samples)[:, 0][label_of(samples) == k].mean() for k in (1, 2, 3)]
    # Class 2 is called vein.
    assert bright[1] < min(bright[0], bright[2])


def test_geometric_shows_the_same_vessels_in_every_channel() -> None:
    params = {"noise": (0.0, 0.0), "texture": (0.0, 0.0), "veins": 0.0, "border": 0.0}
    method = built(Geometric, (32, 32), (1, 2), vessels=3.0, bias=(0.0, 0.0), **params)
    samples = method.sample(30, seed=0)
    steps = []
    for image, label in zip(image_channels(samples), label_of(samples) > 0, strict=True):
        if 30 < label.sum() < 500:
            steps.append([_step(channel, label) for channel in image])
    first, second = np.array(steps).T
    assert (first > 0).all()
    # Brighter than the ground in some, darker in others.
    assert (abs(second) > 0.02).mean() > 0.8
    assert 0 < (second > 0).mean() < 1


def _step(image: Array, where: Array) -> float:
    return float(np.median(image[where]) - np.median(image[~where]))


@pytest.mark.parametrize(("classes", "by"), [(1, "generator"), (3, "segmenter")])
def test_an_end_that_nothing_would_use_is_refused(classes: int, by: str) -> None:
    with pytest.raises(ValueError, match="class_end"):
        built(WganGpSn, (16, 16), (classes, 1), class_end="nested", label_by=by)
