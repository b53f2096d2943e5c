from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from vbench_plugins.generators.gan import Dcgan, Gan, WganGp, WganGpSn
from vbench_plugins.generators.training import GanTrainer
from vbench_plugins.nn.compute import Compute

from vbench.testing import ToyPatches
from vbench.types import Array, Setup

SIZE = (8, 8, 8)
ALL = [Dcgan, WganGp, WganGpSn]


def fitted(cls: type[Gan], size: tuple[int, ...] = SIZE, **given: Any) -> Gan:
    gan = cls(cls.Params(**{**cls.tiny, **given}), Setup(size))
    for _ in gan.fit(ToyPatches(size), seed=1):
        pass
    return gan


class Spy(ToyPatches):
    """Remembers how many patches each draw asked for."""

    def __init__(self, size: tuple[int, ...]) -> None:
        super().__init__(size)
        self.asked: list[int] = []

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        self.asked.append(n)
        return super().draw(n, rng)


@pytest.mark.parametrize(("reuse", "expected"), [(False, 12), (True, 4)])
def test_every_critic_step_has_patches_of_its_own_unless_reused(reuse: bool, expected: int) -> None:
    params = WganGp.Params(**{**WganGp.tiny, "critic_steps": 3, "reuse_batch": reuse})
    patches = Spy(SIZE)
    for _ in WganGp(params, Setup(SIZE)).fit(patches, seed=0):
        pass
    assert patches.asked == [expected] * params.steps


@pytest.mark.parametrize("cls", ALL)
def test_the_report_says_how_training_goes(cls: type[Gan]) -> None:
    gan = cls(cls.Params(**cls.tiny), Setup(SIZE))
    *_, last = gan.fit(ToyPatches(SIZE), seed=0)
    watched = {"critic_loss", "generator_loss", "critic_gradient", "generator_gradient"}
    watched |= {"score_real", "score_fake"} if cls is Dcgan else {"wasserstein", "penalty"}
    assert watched <= set(last.metrics)
    assert last.metrics["generator_gradient"] > 0
    expected = {"precision": "float32", "memory_format": "contiguous", "threads": 0}
    assert gan.resolved() == expected


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("size", [(8, 8, 8), (16, 12)])
def test_every_precision_and_format_resumes_where_it_was(
    precision: str, memory_format: str, size: tuple[int, ...]
) -> None:
    given = {"precision": precision, "memory_format": memory_format, "steps": 4}
    whole = fitted(WganGpSn, size, **given)
    params = WganGpSn.Params(**{**WganGpSn.tiny, **given})
    first = WganGpSn(params, Setup(size))
    steps = first.fit(ToyPatches(size), seed=1)
    next(steps), next(steps)
    state = first.state()
    steps.close()
    second = WganGpSn(params, Setup(size))
    second.load_state(state)
    for _ in second.fit(ToyPatches(size), seed=1):
        pass
    for name, value in whole.weights().items():
        assert np.array_equal(value, second.weights()[name]), name


def test_the_average_is_sampled_and_decay_zero_is_the_generator_itself() -> None:
    gan = fitted(WganGp, ema=0.0)
    trained = gan._trainer.generator.state_dict()
    weights = gan.weights()
    for name, value in trained.items():
        assert np.array_equal(weights[name], value.numpy()), name
    averaged = fitted(WganGp, ema=0.9).weights()
    assert any(not np.array_equal(averaged[name], value.numpy()) for name, value in trained.items())


@pytest.mark.parametrize("cls", [Dcgan, WganGp, WganGpSn])
def test_membership_scores_are_the_critics_of_what_it_was_trained_on(cls: type[Gan]) -> None:
    gan, patches = fitted(cls), ToyPatches(SIZE).take(np.arange(70) % 24)
    scores = gan.membership_scores(patches.copy())
    entered = patches.copy()
    entered[:, 1] = 2 * entered[:, 1] - 1
    critic = gan._trainer.critic.eval()
    with torch.inference_mode():
        expected = critic(torch.as_tensor(entered)).numpy()
    assert np.allclose(scores, expected, atol=1e-5)


def test_without_a_critic_there_are_no_membership_scores() -> None:
    gan = fitted(WganGp)
    other = WganGp(gan.params, gan.setup)
    assert other.membership_scores(np.zeros((2, 2, *SIZE), np.float32)) is None
    bare = {name: value for name, value in gan.weights().items() if "critic." not in name}
    other.load_weights(bare)
    assert other.membership_scores(np.zeros((2, 2, *SIZE), np.float32)) is None


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("label_by", ["generator", "segmenter"])
def test_loaded_weights_sample_in_the_precision_and_format_of_the_training(
    precision: str, memory_format: str, label_by: str
) -> None:
    given = {"precision": precision, "memory_format": memory_format, "label_by": label_by}
    gan = fitted(Dcgan, **given)
    loaded = Dcgan(gan.params, Setup(SIZE))
    loaded.load_weights(gan.weights())
    seen: list[tuple[bool, torch.dtype]] = []
    for module in loaded.model().modules():
        if isinstance(module, torch.nn.Conv3d):
            module.register_forward_hook(
                lambda conv, inputs, out: seen.append(
                    (conv.weight.is_contiguous(memory_format=torch.channels_last_3d), out.dtype)
                )
            )
    np.testing.assert_array_equal(loaded.sample(5, seed=3), gan.sample(5, seed=3))
    assert seen
    assert {dtype for _, dtype in seen} == {getattr(torch, precision)}
    assert memory_format == "contiguous" or all(last for last, _ in seen)


def test_sampling_in_evaluation_mode_ignores_the_companions() -> None:
    gan = fitted(WganGp)
    network = gan.model()
    z = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(network(z)[:3], network(z[:3]), atol=1e-6)


def test_sampling_in_training_mode_leaves_the_weights_alone() -> None:
    gan = fitted(WganGp, sampling_mode="train")
    before = gan.weights()
    gan.sample(5, seed=0)
    assert all(np.array_equal(before[name], value) for name, value in gan.weights().items())


def test_labels_take_the_range_that_is_asked_for() -> None:
    for label_range, low in (("-1..1", -1.0), ("0..1", 0.0)):
        gan = WganGp(WganGp.Params(**WganGp.tiny, label_range=label_range), Setup(SIZE))
        entered = gan.prepare(ToyPatches(SIZE).take(np.arange(4)), np.random.default_rng(0))
        assert set(np.unique(entered[:, 1])) == {low, 1.0}


def test_stretched_patches_fill_the_range_on_both_sides() -> None:
    gan = fitted(WganGp, patch_minmax=True)
    made = gan.sample(3, seed=0)[:, 0].reshape(3, -1)
    assert np.allclose(made.min(1), -1, atol=1e-5)
    assert np.allclose(made.max(1), 1, atol=1e-5)


def test_only_sizes_that_divide_are_taken() -> None:
    with pytest.raises(ValueError, match="cannot be divided"):
        WganGp.check(WganGp.Params(), Setup((22, 22)))
    with pytest.raises(ValueError, match="multiple of 32"):
        WganGp.check(WganGp.Params(preset="authors"), Setup((80, 96)))
    WganGp.check(WganGp.Params(preset="authors"), Setup((96, 96)))


@pytest.mark.parametrize("cls", ALL)
def test_each_fault_is_a_switch_of_the_corrected_preset(cls: type[Gan]) -> None:
    faults: dict[str, Any] = {
        "reuse_batch": True,
        "zero_mean_gains": True,
        "sampling_mode": "train",
        "label_range": "0..1",
        "patch_minmax": True,
    }
    if cls is Dcgan:
        faults |= {"generator_loss": "paired-features", "target_real": (0.7, 1.2)}
    else:
        faults |= {"penalty": "batch"}
    corrected, authors = cls.Params(), cls.Params(preset="authors")
    for name, value in faults.items():
        assert getattr(authors, name) == value, name
        assert getattr(corrected, name) != value, name
        assert getattr(cls.Params(**{name: value}), name) == value


def test_the_critic_learns_to_tell_real_from_generated() -> None:
    params = WganGp.Params(**{**WganGp.tiny, "critic_steps": 40, "lr_critic": 5e-3})
    trainer = GanTrainer(params, SIZE, Compute(), seed=0)
    real = ToyPatches(SIZE).take(np.arange(20).repeat(8))
    assert float(trainer.step(real)["wasserstein"]) > 0.2


def test_a_penalty_of_more_samples_than_the_batch_is_refused() -> None:
    with pytest.raises(ValidationError):
        WganGp.Params(batch_size=4, penalty_samples=-1)


@pytest.mark.parametrize("reuse", [False, True])
def test_generated_patches_carry_a_graph_only_where_the_generator_learns(
    reuse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = WganGp.Params(**{**WganGp.tiny, "critic_steps": 3, "reuse_batch": reuse})
    trainer = GanTrainer(params, SIZE, Compute(), seed=0)
    graphs: list[bool] = []
    read = trainer.generator.read

    def noted(features: torch.Tensor) -> torch.Tensor:
        patches = read(features)
        graphs.append(patches.requires_grad)
        return patches

    monkeypatch.setattr(trainer.generator, "read", noted)
    trainer.step(ToyPatches(SIZE).take(np.arange(4 if reuse else 12)))
    assert graphs == ([False, False, True] if reuse else [False, False, False, True])


def test_a_critic_step_is_one_joint_pass_and_a_penalty_in_float32() -> None:
    params = WganGp.Params(**{**WganGp.tiny, "precision": "bfloat16", "penalty_samples": 3})
    trainer = GanTrainer(params, SIZE, Compute(precision="bfloat16"), seed=0)
    passes: list[tuple[int, torch.dtype]] = []

    def note(module: torch.nn.Module, inputs: tuple[torch.Tensor], out: torch.Tensor) -> None:
        passes.append((len(out), out.dtype))

    trainer.critic.features[0].register_forward_hook(note)
    real = torch.from_numpy(ToyPatches(SIZE).take(np.arange(4)))
    trainer.critic_step(real, torch.rand(4, 2, *SIZE), np.random.default_rng(0))
    assert passes == [(8, torch.bfloat16), (3, torch.float32)]
