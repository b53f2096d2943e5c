"""Generators that each have one fault, for the check of the kit that is there to find it."""

import contextlib
import random
import socket
import time

import numpy as np
from fixtures.plugins.fine import Fine

import vbench


class Undescribed(Fine):
    pass


class UndescribedParams(Fine):
    """No help."""

    class Params(vbench.Params):
        steps: int = 2


class ThawedParams(Fine):
    """Parameters that can be changed."""

    class Params(vbench.Params, frozen=False):
        steps: int = vbench.param(2, "Steps")


class TunedTooFar(Fine):
    """Asks Optuna for what it refuses."""

    class Params(vbench.Params):
        steps: int = vbench.param(4, "Steps", tune=(0, 8), ge=1)


class TunedOnLogFromZero(Fine):
    """A logarithmic scale from 0."""

    class Params(vbench.Params):
        steps: int = vbench.param(4, "Steps", tune=(0, 8), log=True)


class TakesAnything(Fine):
    """Extra parameters are welcome."""

    class Params(vbench.Params, extra="allow"):
        steps: int = vbench.param(2, "Steps")


class TinyIsInvalid(Fine):
    """Its own tiny parameters are refused."""

    tiny = {"steps": 0}  # noqa: RUF012


class Silent(Fine):
    """Reports nothing."""

    def fit(self, patches, *, seed):
        return iter(())


class NeverArrives(Fine):
    """The last step is not the total."""

    def fit(self, patches, *, seed):
        yield vbench.Progress(1, 5)


class Backwards(Fine):
    """Steps fall."""

    def fit(self, patches, *, seed):
        yield vbench.Progress(2, 2)
        yield vbench.Progress(2, 2)


class ReportsNaN(Fine):
    """A loss that is no number."""

    def fit(self, patches, *, seed):
        yield vbench.Progress(1, 1, {"loss": float("nan")})


class Raises(Fine):
    """Cannot be fitted."""

    def fit(self, patches, *, seed):
        raise RuntimeError("no luck today")
        yield


class Slow(Fine):
    """Takes its time."""

    def fit(self, patches, *, seed):
        time.sleep(0.2)
        yield from super().fit(patches, seed=seed)


class Meddles(Fine):
    """Changes the patches' table of subjects."""

    def fit(self, patches, *, seed):
        patches.subject_index[:] = 0
        yield from super().fit(patches, seed=seed)


class SeedsTheWorld(Fine):
    """Seeds numpy for everybody."""

    def fit(self, patches, *, seed):
        np.random.seed(seed % 2**32)  # noqa: NPY002
        yield from super().fit(patches, seed=seed)


class LeaksNoGrad(Fine):
    """Holds a setting of torch across a yield, then puts it back."""

    def fit(self, patches, *, seed):
        import torch

        with torch.no_grad():
            yield from super().fit(patches, seed=seed)


class PhonesHome(Fine):
    """Swallows the error, too."""

    def fit(self, patches, *, seed):
        with contextlib.suppress(OSError):
            socket.create_connection(("192.0.2.1", 80), timeout=0.1)
        yield from super().fit(patches, seed=seed)


class Unseeded(Fine):
    """Draws from Python's own random numbers."""

    def fit(self, patches, *, seed):
        yield from super().fit(patches, seed=seed)
        self.table["mean"] = self.table["mean"] + np.float32(1e-3 * random.random())


class CountsItsSamples(Fine):
    """Sampling changes what is learnt."""

    def sample(self, n, *, seed):
        self.table["mean"] = self.table["mean"] * np.float32(0.9)
        return super().sample(n, seed=seed)


class NeedsCubes(Fine):
    """Works for equal edges only, and keeps it to itself."""

    def fit(self, patches, *, seed):
        if len(set(patches.size)) > 1:
            raise IndexError("boom")
        yield from super().fit(patches, seed=seed)


class NeedsEvenEdges(Fine):
    """Works for even edges only, and keeps it to itself."""

    def __init__(self, params, setup):
        super().__init__(params, setup)
        if setup.size[0] % 2:
            raise ValueError("odd")


class RefusesWithoutAWord(Fine):
    """Refuses, but does not say what it takes."""

    @classmethod
    def check(cls, params, setup):
        if setup.size[0] % 2:
            raise ValueError


class RefusesAll(Fine):
    """There is no size that it takes."""

    @classmethod
    def check(cls, params, setup):
        raise ValueError("patches of 1000 voxels only")


class NestedWeights(Fine):
    """Weights in a tree."""

    def weights(self):
        return {"net": dict(self.table)}


class InfiniteWeights(Fine):
    """Weights that blew up."""

    def weights(self):
        return {"mean": self.table["mean"] / 0}


class ForgetsWeights(Fine):
    """Cannot be restored."""

    def load_weights(self, weights):
        pass


class LendsWeights(Fine):
    """Goes on writing to what it handed out."""

    def fit(self, patches, *, seed):
        for progress in super().fit(patches, seed=seed):
            yield progress
            self.table["mean"] += np.float32(0.01)


class StartsAgain(Fine):
    """Does not go on from the state's step."""

    def load_state(self, state):
        super().load_state(state)
        self.step = 0


class ForgetsItsAverage(Fine):
    """Goes on from the right step with the wrong weights."""

    def load_state(self, state):
        self.step = int(state["step"])


class SharesAll(Fine):
    """Shares all its steps with a longer training, and says so."""

    class Params(vbench.Params):
        steps: int = vbench.param(4, "Draws", length=True)

    @classmethod
    def shared_steps(cls, params):
        return params.steps


class SharesMoreThanItHas(SharesAll):
    """Counts from one."""

    @classmethod
    def shared_steps(cls, params):
        return params.steps + 1


class SharesWithoutState(SharesAll):
    """Cannot be resumed."""

    def state(self):
        return None


class FadesOut(SharesAll):
    """Learns less with every step that is left, and forgets that it does."""

    def fit(self, patches, *, seed):
        for progress in super().fit(patches, seed=seed):
            self.table = {"mean": self.table["mean"] * (1 - self.step / self.params.steps)}
            yield progress


class StaysOnTheCpu(Fine):
    """Computes with torch where it likes."""

    def fit(self, patches, *, seed):
        import torch

        torch.ones(3) * 2.0
        yield from super().fit(patches, seed=seed)


class Flat(Fine):
    """Forgets the channels."""

    def sample(self, n, *, seed):
        return super().sample(n, seed=seed)[:, 0]


class Double(Fine):
    """Samples float64."""

    def sample(self, n, *, seed):
        return super().sample(n, seed=seed).astype(float)


class Bright(Fine):
    """Leaves the range of intensities."""

    def sample(self, n, *, seed):
        return super().sample(n, seed=seed) * np.float32(3)


class SoftLabels(Fine):
    """Hands out probabilities as labels."""

    def sample(self, n, *, seed):
        samples = super().sample(n, seed=seed)
        samples[:, 1] *= 0.5
        return samples


class SettlesOnNothing(Fine):
    """Settles a parameter that it does not have."""

    def resolved(self):
        return {"precision": "bfloat16"}


class OneSeed(Fine):
    """Ignores the seed."""

    def sample(self, n, *, seed):
        return super().sample(n, seed=0)


class BatchStatistics(Fine):
    """Normalises by the batch, as a network in training mode does."""

    def sample(self, n, *, seed):
        samples = super().sample(n, seed=seed)
        samples[:, 0] -= samples[:, 0].mean()
        return samples.clip(-1, 1)


class Collapsed(Fine):
    """Knows one patch only."""

    def sample(self, n, *, seed):
        return np.repeat(super().sample(1, seed=seed), n, axis=0)


class LearnsAllTheSame(Fine):
    """Says that it ignores its patches, and does not."""

    learns = "nothing"


class KeepsMoreThanASummary(Fine):
    """Calls an average of every voxel a few numbers."""

    learns = "summary"
