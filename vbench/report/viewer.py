"""Writes the 3D viewer beside the report: test volumes with reference and predictions overlaid.

One file, with NiiVue (npm package @niivue/niivue, BSD-2-Clause, shipped compressed) and a few
test subjects inside; it opens without a server and takes other NIfTI files from disk.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from vbench.analysis.folder import Arm, Results
from vbench.colours import FALSE, MISSED, class_legend
from vbench.figures.gallery import best_of_regimes, extremes, prepared
from vbench.labels import LabelMap
from vbench.report.discretion import patients
from vbench.report.html import environment, resource, script_hash

NIIVUE = "niivue-0.69.0.umd.js.gz"
#: Bytes of compressed volumes that a viewer carries at most, the first subject always.
BUDGET = 12 * 2**20
#: Voxels above which a volume is shown at every second one.
MOST_VOXELS = 12_000_000


def write_viewer(folder: Path, results: Results, board: dict[str, Any]) -> Path | None:
    """Write ``viewer.html``; None, and nothing written, when the store has no prediction.

    Args:
        folder: ``<out>/<benchmark>/``.
        results: The benchmark.
        board: Its leaderboard.
    """
    from vbench.files import atomic_write

    store = folder.parent / "store"
    scenes = list(_within_budget(_scenes(results, board, store)))
    if not scenes:
        return None
    niivue, script = _niivue(), resource("viewer.js")
    page = environment().get_template("viewer.html").render(
        benchmark=results.benchmark,
        scenes=scenes,
        patients=patients(results),
        niivue=Markup(niivue),
        script=Markup(script),
        hashes=[script_hash(niivue), script_hash(script)],
        colours={"truth": MISSED, "prediction": FALSE},
        classes=_classes(scenes),
    )  # fmt: skip
    path = folder / "viewer.html"
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _niivue() -> str:
    packed = resources.files("vbench.report").joinpath("static", NIIVUE).read_bytes()
    return gzip.decompress(packed).decode("utf-8")


def _within_budget(scenes: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    spent = 0
    for scene in scenes:
        size = sum(len(volume["data"]) for volume in scene["volumes"])
        if spent and spent + size > BUDGET:
            return
        spent += size
        yield scene


def _scenes(results: Results, board: dict[str, Any], store: Path) -> Iterator[dict[str, Any]]:
    """Yield subjects with image, reference and the predictions of the best arm of each regime.

    The worst, median and best subject of the best arm of each cohort come first.
    """
    arms = list(best_of_regimes(results, board))
    for cohort in board["cohorts"]:
        group = [arm for arm in arms if arm.cohort == cohort]
        for arm in group[:1]:
            words = {subject: word for word, subject, _ in extremes(results, board, arm)}
            for subject in reversed(list(words)):
                scene = _scene(results, group, subject, store)
                if scene is not None:
                    yield {"title": f"{subject} ({words[subject]} of {arm.name})", **scene}


def _scene(results: Results, arms: list[Arm], subject: str, store: Path) -> dict[str, Any] | None:
    evaluated = [(arm, key) for arm in arms if (key := _evaluated(results, arm)) is not None]
    opened = (prepared(results, key, subject, store) for _, key in evaluated)
    volume = next((volume for volume in opened if volume is not None), None)
    if volume is None:
        return None
    first = volume.image if len(volume.channels) == 1 else volume.image[0]
    image = np.clip((np.asarray(first, np.float32) + 1) * 127.5, 0, 255)
    step = 1 if image.size <= MOST_VOXELS else 2
    volumes = [
        _volume("image", "image", image, volume.affine, step),
        _volume("truth", "truth", np.asarray(volume.label), volume.affine, step),
    ]
    named = LabelMap(volume.labels, tuple((value,) for value in volume.values), rest=True)
    for arm, own in evaluated:
        name = Path(f"{subject}.nii.gz").name
        found = _prediction(store / own / "predictions" / name, image.shape)
        if found is not None:
            index = named.index(found).classes
            volumes.append(_volume("prediction", arm.name, index, volume.affine, step))
    about = {"volumes": volumes, "halved": step > 1, "labels": volume.labels}
    return about if len(volumes) > 2 else None


def _classes(scenes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the classes of all subjects with their colours; none where labels have one."""
    names: tuple[str, ...] = scenes[0]["labels"]
    found = class_legend(names) if len(names) > 1 else {}
    return [{"name": name, "colour": colour} for name, colour in found.items()]


def _evaluated(results: Results, arm: Arm) -> str | None:
    return next((key for key in arm.evaluate.values() if results.finished(key) is not None), None)


def _prediction(path: Path, shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
    """Read a prediction in the orientation of the prepared volume."""
    if not path.is_file():
        return None
    from vbench.data.nifti import read_image

    found = read_image(path, integer=True).array
    return found if found.shape == shape else None


def _volume(
    kind: str, name: str, array: npt.NDArray[Any], affine: npt.NDArray[Any], step: int
) -> dict[str, str]:
    """Return a volume as compressed NIfTI, in base64."""
    import nibabel as nib

    scaled = np.asarray(affine, float).copy()
    if step > 1:
        array = array[::step, ::step, ::step]
        scaled[:3, :3] *= step
    image = nib.Nifti1Image(np.ascontiguousarray(array, np.uint8), scaled)
    packed = gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)
    return {"kind": kind, "name": name, "data": base64.b64encode(packed).decode()}
