"""What the privacy audit finds, and how often it is wrong.

``python benchmarks/privacy_power.py [--repeats N] [--without SCORE …] [--only WORDS …]
[--out FILE]`` makes phantoms up whose leaks are known. In each repeat patients are drawn to be
trained on, held out, and unseen; synthetic sets are made of unseen patients and of copies; and
every privacy score that is installed judges them.
Prints Markdown: the share of sets with an alarm, by score and of the verdict.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.stats import binomtest
from vbench_plugins.sources.phantom import Phantom

from vbench import registry
from vbench.data import VolumePatches, open_volume, prepare_subject
from vbench.data.patches import ArrayPatches
from vbench.markdown import table

Array: TypeAlias = npt.NDArray[np.float32]
Change: TypeAlias = Callable[[Array, np.random.Generator], Array]


def on_image(change: Callable[[Array, np.random.Generator], Array]) -> Change:
    """Change the images only, given in [0, 1]; values outside are cut."""

    def changed(patches: Array, rng: np.random.Generator) -> Array:
        out = patches.copy()
        out[:, 0] = (2 * change((patches[:, 0] + 1) / 2, rng) - 1).clip(-1, 1)
        return out

    return changed


def gain(factor: float) -> Change:
    """Scale intensities."""
    return on_image(lambda image, rng: image * factor)


def offset(by: float) -> Change:
    """Add to intensities."""
    return on_image(lambda image, rng: image + by / 2)


def gamma(power: float) -> Change:
    """Raise intensities to a power."""
    return on_image(lambda image, rng: image**power)


def noise(deviation: float) -> Change:
    """Add noise, of a deviation in [-1, 1]."""
    return on_image(lambda image, rng: image + rng.normal(0, deviation / 2, image.shape))


def blur(deviation: float) -> Change:
    """Smooth, with a deviation in voxels."""
    return on_image(
        lambda image, rng: ndimage.gaussian_filter(image, (0, *[deviation] * (image.ndim - 1)))
    )


def negative() -> Change:
    """Invert intensities."""
    return on_image(lambda image, rng: 1 - image)


def quantise(levels: int) -> Change:
    """Keep few grey levels."""
    return on_image(lambda image, rng: np.round(image * (levels - 1)) / (levels - 1))


def field() -> Change:
    """Let the sensitivity of a coil vary over the patch."""

    def changed(image: Array, rng: np.random.Generator) -> Array:
        ramp = np.linspace(0.7, 1.3, image.shape[1], dtype=np.float32)
        return image * ramp.reshape(1, -1, *[1] * (image.ndim - 2))

    return on_image(changed)


def mirror() -> Change:
    """Mirror the first axis."""
    return lambda patches, rng: patches[:, :, ::-1]


def quarter() -> Change:
    """Turn the last two axes by a right angle."""
    return lambda patches, rng: np.rot90(patches, axes=(-2, -1))


def each(change: Callable[[Array, int, np.random.Generator], Array]) -> Change:
    """Resample each patch by itself: images linearly, labels to the nearest."""

    def changed(patches: Array, rng: np.random.Generator) -> Array:
        out = np.empty_like(patches)
        for i, patch in enumerate(patches):
            state = int(rng.integers(2**31))
            for channel, order in ((0, 1), (1, 0)):
                out[i, channel] = change(patch[channel], order, np.random.default_rng(state))
        return out

    return changed


def turn(degrees: float) -> Change:
    """Turn each patch about a random axis."""

    def one(values: Array, order: int, rng: np.random.Generator) -> Array:
        axes = tuple(rng.choice(values.ndim, 2, replace=False))
        angle = degrees * rng.choice([-1, 1])
        return ndimage.rotate(values, angle, axes, reshape=False, order=order, mode="nearest")

    return each(one)


def shift(voxels: int) -> Change:
    """Move each patch along all axes."""

    def one(values: Array, order: int, rng: np.random.Generator) -> Array:
        by = rng.choice([-voxels, voxels], values.ndim)
        return ndimage.shift(values, by, order=0, mode="nearest")

    return each(one)


def zoom(factor: float) -> Change:
    """Enlarge each patch about its middle."""

    def one(values: Array, order: int, rng: np.random.Generator) -> Array:
        matrix, centre = np.eye(values.ndim) / factor, (np.array(values.shape) - 1) / 2
        return ndimage.affine_transform(
            values, matrix, centre - matrix @ centre, order=order, mode="nearest"
        )

    return each(one)


def elastic(deviation: float) -> Change:
    """Displace voxels smoothly, by a deviation in voxels."""

    def one(values: Array, order: int, rng: np.random.Generator) -> Array:
        grid = np.indices(values.shape).astype(float)
        for axis in range(values.ndim):
            moves = ndimage.gaussian_filter(rng.normal(size=values.shape), 2, mode="wrap")
            grid[axis] += deviation * moves / moves.std()
        return ndimage.map_coordinates(values, grid, order=order, mode="nearest")

    return each(one)


def cut_out() -> Change:
    """Blacken an eighth of each patch."""

    def changed(patches: Array, rng: np.random.Generator) -> Array:
        out = patches.copy()
        for patch in out:
            corner = [slice(s := int(rng.integers(0, n // 2)), s + n // 2) for n in patch.shape[1:]]
            patch[0][tuple(corner)], patch[1][tuple(corner)] = -1, 0
        return out

    return changed


def mixture() -> Change:
    """Average each patch with another one."""

    def changed(patches: Array, rng: np.random.Generator) -> Array:
        other = patches[rng.permutation(len(patches))]
        out = (patches + other) / 2
        out[:, 1] = np.maximum(patches[:, 1], other[:, 1])
        return out

    return changed


def chain(*changes: Change) -> Change:
    """Do one after another."""

    def changed(patches: Array, rng: np.random.Generator) -> Array:
        for change in changes:
            patches = change(patches, rng)
        return np.ascontiguousarray(patches)

    return changed


#: What may be done to unseen patients without making them a leak.
HONEST: Mapping[str, Change] = {
    "as they are": chain(),
    "darkened (gamma 1.4)": gamma(1.4),
    "brightened (gamma 0.6)": gamma(0.6),
    "blurred": blur(1),
    "with noise 0.1": noise(0.1),
    "mirrored, gain 0.8": chain(mirror(), gain(0.8)),
}
#: What may be done to copies to hide them.
DISGUISES: Mapping[str, Change] = {
    "mirrored, gain 0.8": chain(mirror(), gain(0.8)),
    "mirrored, noise 0.1": chain(mirror(), noise(0.1)),
    "mirrored, gamma 0.7": chain(mirror(), gamma(0.7)),
    "mirrored, offset 0.2": chain(mirror(), offset(0.2)),
    "mirrored, turned 5°": chain(mirror(), turn(5)),
    "mirrored, turned 5°, shifted 1, gain 0.9, noise 0.03": chain(
        mirror(), turn(5), shift(1), gain(0.9), noise(0.03)
    ),
    "noise 0.1": noise(0.1),
    "noise 0.2": noise(0.2),
    "blurred by 1": blur(1),
    "inverted": negative(),
    "four grey levels": quantise(4),
    "coil sensitivity": field(),
    "enlarged by 1.1": zoom(1.1),
    "reduced by 0.85": zoom(0.85),
    "deformed by 1 voxel": elastic(1),
    "an eighth blackened": cut_out(),
    "averages of two copies": mixture(),
    "turned 90°, gamma 0.5, blurred": chain(quarter(), gamma(0.5), blur(1)),
    "turned 15°": turn(15),
    "turned 30°": turn(30),
    "shifted by 2 along all axes": shift(2),
    "shifted by 4 along all axes": shift(4),
    "turned 98°, shifted 2, gamma 0.8, gain 0.8, noise 0.05": chain(
        quarter(), turn(8), shift(2), gamma(0.8), gain(0.8), noise(0.05)
    ),
}
AMOUNTS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 1.0)


@dataclass(frozen=True)
class Design:
    """How large the experiment is.

    Attributes:
        repeats: Draws of patients.
        train, held: Patients trained on, and held out.
        patches: Synthetic patches of each set.
        per_subject: Patches of each patient.
        size: Of a patch.
        shape: Of a phantom.
        short: Only a few of the cases.
        without: Scores that are left out.
        only: Parts of the names of the sets that are judged; all when there are none.
    """

    repeats: int = 20
    train: int = 12
    held: int = 11
    patches: int = 1000
    per_subject: int = 400
    size: tuple[int, ...] = (16, 16, 16)
    shape: tuple[int, int, int] = (96, 112, 56)
    short: bool = False
    without: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


def pool(design: Design, scanner: str, subjects: int) -> list[Array]:
    """Return the patches of phantoms, an array for each."""
    source = Phantom(Phantom.Params(scanner=scanner, shape=design.shape, seed=100))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in source.subjects(subjects):
            place = Path(folder) / name
            prepare_subject(source.load(name), place)
            patches = VolumePatches(
                [open_volume(place)], size=design.size, per_subject=design.per_subject
            )
            found.append(patches.take(np.arange(len(patches))).astype(np.float16))
    return found


def as_patches(parts: list[Array]) -> ArrayPatches:
    """Join the patches of patients."""
    array = np.concatenate(parts)
    owner = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
    return ArrayPatches(array[:, 0], (array[:, 1] > 0.5).astype(np.uint8), subject_index=owner)


def some(array: Array, n: int, rng: np.random.Generator) -> Array:
    """Draw patches."""
    return array[rng.permutation(len(array))[:n]].astype(np.float32)


def sets(
    design: Design, train: list[Array], unseen: list[Array], other: list[Array], seed: int
) -> Iterator[tuple[str, str, Array]]:
    """Make synthetic sets: what table they belong to, what they are, and their patches."""
    rng = np.random.default_rng(seed)
    members, strangers, n = np.concatenate(train), np.concatenate(unseen), design.patches
    for name, change in HONEST.items():
        yield "level", name, change(some(strangers, n, rng), rng)
        few = np.concatenate(unseen[: max(1, len(unseen) // 4)])
        yield "level", f"of a quarter of the patients, {name}", change(some(few, n, rng), rng)
    yield "level", "of another scanner", some(np.concatenate(other), n, rng)

    def mixed(share: float, copied: Array, change: Change) -> Array:
        part = change(some(copied, round(share * n), rng), rng)
        return np.concatenate([part, some(strangers, n - len(part), rng)])

    for share in AMOUNTS:
        yield "amount", f"{share:.1%} verbatim copies", mixed(share, members, chain())
    one = train[int(rng.integers(len(train)))]
    yield "amount", f"one patient of {len(train)}", mixed(1 / len(train), one, chain())
    yield (
        "amount",
        f"one patient of {len(train)}, mirrored, noise 0.1",
        mixed(1 / len(train), one, DISGUISES["mirrored, noise 0.1"]),
    )
    for name, change in list(DISGUISES.items())[: 3 if design.short else None]:
        yield "disguise", name, mixed(0.3, members, change)


def judge(
    design: Design, real: list[Array], other: list[Array], seed: int
) -> list[tuple[str, str, dict[str, bool]]]:
    """Draw patients, make the sets, and return the alarms of each."""
    rng = np.random.default_rng(seed)
    drawn = [real[i] for i in rng.permutation(len(real))]
    train, held = drawn[: design.train], drawn[design.train : design.train + design.held]
    unseen = drawn[design.train + design.held :]
    training, heldout = as_patches(train), as_patches(held)
    installed = registry.default().metrics("privacy")
    metrics = [cls() for name, cls in installed.items() if name not in design.without]
    found = []
    for table_name, name, array in sets(design, train, unseen, other, seed):
        if design.only and not any(words in name for words in design.only):
            continue
        synthetic = as_patches([array])
        alarms = {}
        for metric in metrics:
            score = metric.score(synthetic, training, heldout, features=None, seed=seed)
            alarms[metric.name] = bool((getattr(score, "details", None) or {}).get("alarm"))
        found.append((table_name, name, alarms))
    return found


def tables(found: list[list[tuple[str, str, dict[str, bool]]]]) -> Iterator[str]:
    """Write the share of sets with an alarm, as Markdown."""
    names = list(found[0][0][2])
    titles = {
        "level": "Unseen patients: false alarms",
        "amount": "How much is copied",
        "disguise": "30 % of the set are copies, in disguise",
    }
    for key, title in titles.items():
        rows: dict[str, list[dict[str, bool]]] = {}
        for repeat in found:
            for table_name, name, alarms in repeat:
                if table_name == key:
                    rows.setdefault(name, []).append(alarms)
        if not rows:
            continue
        if key == "level":
            rows["**all**"] = [alarms for some_of in list(rows.values()) for alarms in some_of]
        yield f"\n## {title}\n"
        body = []
        for name, every in rows.items():
            verdicts = [any(alarms.values()) for alarms in every]
            interval = binomtest(sum(verdicts), len(verdicts)).proportion_ci(method="wilson")
            body.append(
                [
                    name,
                    str(len(every)),
                    *(f"{np.mean([alarms[n] for alarms in every]):.2f}" for n in names),
                    f"**{np.mean(verdicts):.2f}**",
                    f"{interval.low:.2f} to {interval.high:.2f}",
                ]
            )
        yield "\n".join(table(["set", "n", *names, "verdict", "95 % interval"], body))


def run(design: Design, jobs: int = 1) -> str:
    """Return the page."""
    unseen = max(4, design.train)
    real = pool(design, "a", design.train + design.held + unseen)
    other = pool(design, "b", unseen // 2)
    one = partial(judge, design, real, other)
    if jobs == 1:
        found = [one(seed) for seed in range(design.repeats)]
    else:
        with ProcessPoolExecutor(jobs) as executor:
            found = list(executor.map(one, range(design.repeats)))
    head = (
        f"{design.train} training and {design.held} held-out phantoms, {design.per_subject} patches"
        f" of {' × '.join(map(str, design.size))} voxels each; {design.patches} synthetic patches; "
        f"{design.repeats} draws of patients. Share of sets with an alarm.\n"
    )
    return head + "\n".join(tables(found)) + "\n"


def main() -> None:
    """Run the experiment and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=Design.repeats)
    parser.add_argument("--train", type=int, default=Design.train)
    parser.add_argument("--held", type=int, default=Design.held)
    parser.add_argument("--patches", type=int, default=Design.patches)
    parser.add_argument("--per-subject", type=int, default=Design.per_subject)
    parser.add_argument("--without", nargs="*", default=(), metavar="SCORE")
    parser.add_argument("--only", nargs="*", default=(), metavar="WORDS", help="sets so named")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    design = Design(
        repeats=chosen.repeats,
        train=chosen.train,
        held=chosen.held,
        patches=chosen.patches,
        per_subject=chosen.per_subject,
        without=tuple(chosen.without),
        only=tuple(chosen.only),
    )
    page = run(design, chosen.jobs)
    if chosen.out:
        chosen.out.write_text(page, encoding="utf-8")
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
