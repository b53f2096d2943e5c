"""Labelled patches of phantoms, in memory: what a method may be pre-trained on without a patient.

Each phantom is made and normalised as a data source's subject is.
"""

from __future__ import annotations

import numpy as np

from vbench.data.normalise import normalise
from vbench.data.patches import VolumePatches
from vbench.types import Volume
from vbench_plugins.sources.phantom import Phantom, PhantomParams

#: Share of a phantom's patches that are centred on vessels, as specs have it by default.
VESSEL_CENTRED = 0.5


def phantom_patches(
    size: tuple[int, ...],
    *,
    scanner: str,
    subjects: int,
    per_subject: int,
    seed: int,
    shape: tuple[int, int, int] | None = None,
) -> VolumePatches:
    """Make phantoms and cut patches of them.

    Args:
        size: Of a patch in voxels, 2 or 3 entries.
        scanner: ``a`` or ``b``.
        subjects: How many phantoms.
        per_subject: Patches of each.
        seed: Of phantoms and places.
        shape: Field of view in voxels; None: the data source's own, or the patch where it is
            larger.
    """
    if shape is None:
        default = PhantomParams().shape
        x, y, z = (max(n, edge) for n, edge in zip(default, (*size, 1)[:3], strict=True))
        shape = (x, y, z)
    source = Phantom(PhantomParams(scanner=scanner, seed=seed, shape=shape))
    volumes = []
    for name in source.subjects(subjects):
        subject = source.load(name)
        mask = np.asarray(subject.mask, bool)
        image, _ = normalise(np.asarray(subject.image, np.float32), mask)
        volumes.append(
            Volume(
                id=name,
                image=image,
                label=np.asfortranarray(subject.label, np.uint8),
                mask=np.asfortranarray(mask),
                spacing=subject.spacing,
                affine=subject.affine,
                native_affine=subject.affine,
            )
        )
    return VolumePatches(
        volumes, size=size, per_subject=per_subject, vessel_centred=VESSEL_CENTRED, seed=seed
    )
