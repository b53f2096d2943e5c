"""dp-wgan: what one patient can change, what the budget says of it, and what phantoms give."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import norm
from vbench_plugins.generators import privacy_budget
from vbench_plugins.generators.dp_wgan import DpWgan
from vbench_plugins.generators.dp_wgan_training import DpWganTrainer
from vbench_plugins.nn.compute import Compute
from vbench_plugins.phantom.patches import phantom_patches

from vbench.errors import DataError, MissingExtraError
from vbench.testing import GeneratorSuite, ToyPatches
from vbench.types import Setup

SIZE = (8, 8, 8)
SETUP = Setup(SIZE)
installed = pytest.mark.skipif(
    importlib.util.find_spec("dp_accounting") is None, reason="needs the extra `dp`"
)


class TestDpWgan(GeneratorSuite):
    plugin = DpWgan


def params(**given: Any) -> Any:
    return DpWgan.Params(**{**DpWgan.tiny, **given})


def trainer(noise: float = 1.0, **given: Any) -> DpWganTrainer:
    return DpWganTrainer(params(**given), SIZE, Compute(), 0, noise)


def drawn(n: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(ToyPatches(SIZE, n=n, seed=seed).take(np.arange(n)))


def length(gradient: list[torch.Tensor]) -> float:
    return math.sqrt(sum(float((g.double() ** 2).sum()) for g in gradient))


def difference(first: list[torch.Tensor], second: list[torch.Tensor]) -> float:
    return length([a - b for a, b in zip(first, second, strict=True)])


# What one patient can change


@pytest.mark.parametrize("learns", ["head", "all"])
@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 1e6])
def test_no_patient_moves_the_sum_by_more_than_one(learns: str, scale: float) -> None:
    method = trainer(learns=learns)
    fake, others = drawn(4, 0), (drawn(2, 1), drawn(2, 2))
    without = method.patients_sum(others, fake)
    for patient in (scale * drawn(2, 3), scale * drawn(50, 4), scale * torch.ones(1, 2, *SIZE)):
        own = method.patients_sum((patient,), fake)
        assert length(own) <= 1
        assert difference(method.patients_sum((*others, patient), fake), without) <= 1 + 1e-5


def test_a_patient_who_differs_is_heard_in_full() -> None:
    method = trainer()
    own = method.patients_sum((drawn(2, 1),), drawn(4, 0))
    assert length(own) == pytest.approx(1, abs=1e-3)


def test_a_patient_like_what_is_generated_changes_nothing() -> None:
    method, fake = trainer(), drawn(4, 0)
    assert length(method.patients_sum((fake,), fake)) < 0.01


@pytest.mark.parametrize("seen", [1, 2, 5])
def test_noise_and_scale_know_nothing_of_how_many_patients_there_are(
    seen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opacus' issue 819: a divisor that follows their number tells neighbours apart."""
    batch = drawn(2 * seen, 1).numpy()
    alone, together = trainer(noise=3.0), trainer(noise=3.0)
    alone.step(batch[:0])
    noise = [w.grad.clone() for w in alone.learning]
    added: list[list[torch.Tensor]] = []
    summed = together.patients_sum

    def spy(patients: tuple[torch.Tensor, ...], fake: torch.Tensor) -> list[torch.Tensor]:
        found = summed(patients, fake)
        added.append([gradient.clone() for gradient in found])
        return found

    monkeypatch.setattr(together, "patients_sum", spy)
    together.step(batch)
    for weight, own, plain in zip(together.learning, added[0], noise, strict=True):
        assert torch.allclose(weight.grad, own + plain, atol=1e-5)


def test_noise_is_as_strong_as_it_says() -> None:
    method = trainer(noise=3.0, learns="all", critic_width=16)
    method.step(np.empty((0, 2, *SIZE), np.float32))
    found = torch.cat([w.grad.flatten() for w in method.learning])
    assert float(found.std()) == pytest.approx(3, rel=0.05)
    before = found.clone()
    method.step(np.empty((0, 2, *SIZE), np.float32))
    after = torch.cat([w.grad.flatten() for w in method.learning])
    assert abs(float(torch.corrcoef(torch.stack([before, after]))[0, 1])) < 0.05


def test_a_private_step_tells_and_changes_nothing_else() -> None:
    method = trainer(learns="head")
    before = {name: value.clone() for name, value in method.critic.state_dict().items()}
    longest = float(method.critic.head[-1].weight.detach().norm())
    told = method.step(drawn(6, 1).numpy())
    assert set(told) == {"private_gradient", "generator_loss", "generator_gradient"}
    assert float(method.critic.head[-1].weight.detach().norm()) <= longest * (1 + 1e-6)
    changed = {
        name
        for name, value in method.critic.state_dict().items()
        if not torch.equal(value, before[name]) and not name.endswith(("._u", "._v"))
    }
    assert changed == {"head.2.weight", "head.2.bias"}


def test_vectors_of_spectral_normalisation_do_not_count_patients() -> None:
    states = []
    for seen in (0, 3):
        method = trainer(noise=0.0, lr_private=1e-12, lr_follow=1e-12)
        method.step(drawn(2 * seen, 1).numpy() if seen else np.empty((0, 2, *SIZE), np.float32))
        states.append({k: v for k, v in method.critic.state_dict().items() if k.endswith("_u")})
    for name, value in states[0].items():
        assert torch.allclose(value, states[1][name], atol=1e-6), name


# Who is seen


def test_patients_are_drawn_by_themselves_and_give_patches_of_their_own() -> None:
    method, patches = DpWgan(params(rate=0.3, noise=1.0), Setup(SIZE)), ToyPatches(SIZE)
    rng, times = np.random.default_rng(0), np.zeros(3)
    together = 0
    for _ in range(2000):
        owners = patches.subject_index[method._seen(patches, rng)].reshape(-1, 2)
        assert (owners[:, 0] == owners[:, 1]).all()
        assert len(set(owners[:, 0])) == len(owners)
        times[owners[:, 0]] += 1
        together += {0, 1} <= set(owners[:, 0])
    assert np.allclose(times / 2000, 0.3, atol=0.05)
    assert together / 2000 == pytest.approx(0.09, abs=0.03)


def test_everyone_is_seen_at_rate_one() -> None:
    method, patches = DpWgan(params(noise=1.0), Setup(SIZE)), ToyPatches(SIZE)
    owners = patches.subject_index[method._seen(patches, np.random.default_rng(0))]
    assert owners.tolist() == [0, 0, 1, 1, 2, 2]


# What the budget says


def of_a_gaussian(epsilon: float, mu: float) -> float:
    """Return delta of a Gaussian mechanism whose signal is ``mu`` deviations (Balle and Wang)."""
    tail = math.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu)
    return float(norm.cdf(mu / 2 - epsilon / mu) - tail)


@installed
@pytest.mark.parametrize("epsilon", [0.5, 1, 5, 20])
@pytest.mark.parametrize("steps", [1, 100])
def test_noise_for_everyone_is_that_of_one_gaussian_mechanism(epsilon: float, steps: int) -> None:
    noise = privacy_budget.noise_for(epsilon, 1e-3, 1.0, steps)
    assert of_a_gaussian(epsilon, math.sqrt(steps) / noise) == pytest.approx(1e-3, rel=1e-6)
    assert privacy_budget.spent(noise, 1e-3, 1.0, steps) == pytest.approx(epsilon)


def of_one_step(epsilon: float, noise: float, rate: float) -> float:
    """Return delta of one Poisson-sampled Gaussian mechanism, with one patient against without."""
    least = noise**2 * math.log((math.exp(epsilon) - 1 + rate) / rate) + 0.5
    there = rate * norm.sf((least - 1) / noise) + (1 - rate) * norm.sf(least / noise)
    return float(there - math.exp(epsilon) * norm.sf(least / noise))


@installed
@pytest.mark.parametrize(("noise", "rate"), [(1.0, 1 / 12), (2.0, 0.5), (0.7, 0.25)])
def test_one_step_with_few_patients_spends_what_its_formula_says(noise: float, rate: float) -> None:
    epsilon = privacy_budget.spent(noise, 1e-3, rate, 1)
    assert of_one_step(epsilon, noise, rate) <= 1e-3 < of_one_step(epsilon - 0.005, noise, rate)


@installed
def test_solved_noise_keeps_the_budget_and_leaves_little_of_it() -> None:
    noise = privacy_budget.noise_for(2.0, 1e-3, 0.25, 4)
    assert 1.98 < privacy_budget.spent(noise, 1e-3, 0.25, 4) <= 2.0
    assert noise < privacy_budget.noise_for(2.0, 1e-3, 1.0, 4)


@pytest.mark.peers
@pytest.mark.parametrize(("noise", "rate", "steps"), [(2.0, 1 / 12, 20), (4.0, 1.0, 20)])
def test_opacus_accountants_agree(noise: float, rate: float, steps: int) -> None:
    accountants = pytest.importorskip("opacus.accountants", reason="needs the extra `peers`")
    pytest.importorskip("dp_accounting", reason="needs the extra `dp`")
    ours = privacy_budget.spent(noise, 1e-3, rate, steps)
    found = {}
    for cls in (accountants.PRVAccountant, accountants.RDPAccountant):
        other = cls()
        other.history = [(noise, rate, steps)]
        with np.errstate(divide="ignore"):
            found[cls.__name__] = other.get_epsilon(1e-3)
    assert ours == pytest.approx(found["PRVAccountant"], abs=0.02)
    # Rényi's bound is looser: it may never be below.
    assert ours <= found["RDPAccountant"] <= 1.3 * ours


@installed
def test_the_guarantee_follows_from_what_was_recorded() -> None:
    method = DpWgan(params(epsilon=2.0), Setup(SIZE))
    assert method.guarantee() is None  # nothing was trained yet
    for _ in method.fit(ToyPatches(SIZE), seed=1):
        pass
    said = dict(method.guarantee() or {})
    assert said["epsilon"] == pytest.approx(2.0)
    assert (said["delta"], said["unit"], said["steps"]) == (1e-3, "patient", 3)
    again = DpWgan(DpWgan.Params(**{**method.params.model_dump(), **method.resolved()}), SETUP)
    assert again.guarantee() == said


def test_without_noise_there_is_no_guarantee() -> None:
    method = DpWgan(params(noise=0.0), SETUP)
    for _ in method.fit(ToyPatches(SIZE), seed=1):
        pass
    assert method.guarantee() is None
    assert privacy_budget.spent(0.0, 1e-3, 1.0, 1) == math.inf


def test_phantoms_alone_spend_nothing() -> None:
    method = DpWgan(params(steps=0, pretrain_steps=2), SETUP)
    method._phantoms = ToyPatches(SIZE, seed=9)
    assert [p.step for p in method.fit(ToyPatches(SIZE), seed=1)] == [1, 2]
    assert (method.guarantee() or {})["epsilon"] == 0
    with pytest.raises(ValueError, match="nothing to learn from"):
        DpWgan.check(params(steps=0), SETUP)


def test_a_delta_that_gives_a_patient_away_is_refused() -> None:
    method = DpWgan(params(delta=0.4), SETUP)
    with pytest.raises(DataError, match=r"delta = 0.4 for 3 patients: .* use 0.03"):
        next(method.fit(ToyPatches(SIZE), seed=1))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'vbench\[dp\]'"):
        DpWgan.check(params(), SETUP)


# What phantoms give


def fitted(patches: ToyPatches, steps: int, **given: Any) -> DpWgan:
    method = DpWgan(params(noise=1.0, pretrain_steps=2, **given), SETUP)
    method._phantoms = ToyPatches(SIZE, seed=9)
    running = method.fit(patches, seed=given.pop("seed", 1))
    for _ in range(steps):
        next(running)
    return method


def test_what_phantoms_taught_is_the_same_whoever_the_patients_are() -> None:
    first, second = (fitted(ToyPatches(SIZE, seed=seed), 2) for seed in (1, 2))
    for name, value in first.state().items():
        assert np.array_equal(value, second.state()[name]), name
    third, fourth = (fitted(ToyPatches(SIZE, seed=seed), 3) for seed in (1, 2))
    assert any(not np.array_equal(v, fourth.state()[k]) for k, v in third.state().items())


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_it_resumes_before_and_after_the_first_patient(stop: int) -> None:
    patches = ToyPatches(SIZE)
    whole = fitted(patches, 5)
    state = fitted(patches, stop).state()
    resumed = DpWgan(params(noise=1.0, pretrain_steps=2), SETUP)
    resumed._phantoms = ToyPatches(SIZE, seed=9)
    resumed.load_state(state)
    steps = [progress.step for progress in resumed.fit(patches, seed=1)]
    assert steps == list(range(stop + 1, 6))
    for name, value in whole.weights().items():
        assert np.array_equal(value, resumed.weights()[name]), name


def test_phantoms_become_labelled_patches() -> None:
    size, found = (16, 16, 8), []
    for scanner, seed in (("a", 1), ("b", 1), ("b", 2)):
        made = phantom_patches(
            size, scanner=scanner, subjects=1, per_subject=4, seed=seed, shape=(24, 24, 16)
        ).take(np.arange(4))
        assert made.shape == (4, 2, *size)
        assert made[:, 0].min() >= -1
        assert made[:, 0].max() <= 1
        assert set(np.unique(made[:, 1])) == {0, 1}
        assert all(not np.array_equal(made, other) for other in found)
        found.append(made)


@installed
def test_agreement_without_phantoms_is_refused() -> None:
    with pytest.raises(ValueError, match=r"agreement = 2\.0 and pretrain_steps = 0"):
        DpWgan.check(params(agreement=2.0), SETUP)
    with pytest.raises(ValueError, match="label_by = segmenter and pretrain_steps = 0"):
        DpWgan.check(params(label_by="segmenter"), SETUP)
