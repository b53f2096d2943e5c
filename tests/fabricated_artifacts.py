"""Arrays of a fabricated benchmark: patches, prepared volumes, projections and predictions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def patches(n: int, size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw labelled patches with one straight vessel each, float16 ``(n, 2, *size)``."""
    grid = np.stack(np.meshgrid(*(np.arange(s) for s in size), indexing="ij"), -1)
    out = np.empty((n, 2, *size), np.float16)
    for i in range(n):
        direction = rng.normal(size=len(size))
        direction /= np.linalg.norm(direction)
        away = grid - (np.array(size) / 2 + rng.normal(size=len(size)) * 2)
        along = away @ direction
        label = np.sqrt(np.maximum((away**2).sum(-1) - along**2, 0)) < rng.uniform(1, 2.5)
        out[i, 0] = np.clip(-0.6 + label * 1.1 + rng.normal(size=size) * 0.15, -1, 1)
        out[i, 1] = label
    return out


class Artifacts:
    """Writes arrays below the store, where they are wanted."""

    out: Path
    artifacts: bool
    drawing: np.random.Generator

    def store(self, key: str, name: str, array: np.ndarray) -> None:
        """Write an artifact."""
        if self.artifacts:
            path = self.out / "store" / key / name
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, array)

    def volume(self, key: str, subject: str) -> None:
        """Write a prepared volume with one winding vessel."""
        folder = self.out / "store" / key
        if not self.artifacts or (folder / "volume.json").exists():
            return
        x, y, z = np.meshgrid(np.arange(40), np.arange(44), np.arange(20), indexing="ij")
        phase = self.drawing.normal()
        label = ((y - 22 - 8 * np.sin(x / 6 + phase)) ** 2 + (z - 10) ** 2) < 6
        image = np.clip(-0.5 + label + self.drawing.normal(size=label.shape) * 0.1, -1, 1)
        self.store(key, "image.npy", image.astype(np.float16))
        self.store(key, "label.npy", label.astype(np.uint8))
        self.store(key, "mask.npy", np.ones(label.shape, bool))
        affine = np.diag([0.5, 0.5, 0.7, 1.0]).tolist()
        about = {"id": subject, "unit": "mm", "affine": affine, "native_affine": affine}
        about |= {"spacing": [0.5, 0.5, 0.7], "normalise": {"method": "percentile"}}
        (folder / "volume.json").write_text(json.dumps(about))

    def projections(self, key: str, subjects: list[str], prepared: list[str]) -> None:
        """Write maximum-intensity projections and predictions."""
        if not self.artifacts:
            return
        x, y = np.meshgrid(np.arange(40), np.arange(44), indexing="ij")
        for subject in subjects:
            phase = self.drawing.normal()
            truth = np.abs(y - 22 - 8 * np.sin(x / 6 + phase)) < 1.6
            found = np.abs(y - 22 - 8 * np.sin(x / 6 + phase + 0.2)) < 1.6
            image = np.clip(60 + truth * 150 + self.drawing.normal(size=truth.shape) * 12, 0, 255)
            stack = np.stack([image, truth * 255, found * 255]).astype(np.uint8)
            self.store(key, f"mip/{subject}.npy", stack)
        self.predictions(key, prepared)

    def predictions(self, key: str, prepared: list[str]) -> None:
        """Write predictions: the truth, moved by a voxel."""
        import nibabel as nib

        folder = self.out / "store" / key / "predictions"
        folder.mkdir()
        for volume in prepared:
            about = json.loads((self.out / "store" / volume / "volume.json").read_text())
            found = np.roll(np.load(self.out / "store" / volume / "label.npy"), 1, axis=1)
            image = nib.Nifti1Image(found, np.array(about["affine"]))
            nib.save(image, folder / f"{about['id']}.nii.gz")
