"""Colours of classes are told apart by eyes of any kind."""

from __future__ import annotations

import itertools

import numpy as np

from vbench.colours import CLASSES, class_colour, class_legend

#: Normal, protan, deutan and tritan: Machado et al. 2009, severity 1.0.
EYES = [
    np.reshape(list(map(float, numbers.split())), (3, 3))
    for numbers in (
        "1 0 0 0 1 0 0 0 1",
        "0.152286 1.052583 -0.204868 0.114503 0.786281 0.099216 -0.003882 -0.048116 1.051998",
        "0.367322 0.860646 -0.227968 0.280085 0.672501 0.047413 -0.011820 0.042940 0.968881",
        "1.255528 -0.076749 -0.178779 -0.078411 0.930809 0.147602 0.004733 0.691367 0.303900",
    )
]
XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])


def lab(rgb: tuple[int, int, int], eye: object) -> np.ndarray:
    part = np.array(rgb) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    seen = XYZ @ np.clip(np.asarray(eye) @ linear, 0, 1) / [0.9505, 1, 1.0888]
    x, y, z = np.where(seen > 0.008856, np.cbrt(seen), (903.3 * seen + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_colours_of_classes_are_apart_for_all_eyes() -> None:
    assert len(CLASSES) >= 14  # TopCoW's thirteen, and the other arteries
    for eye in EYES:
        seen = [lab(colour, eye) for colour in CLASSES]
        # As far as the nearest two of Okabe and Ito's own, for the least favourable eye.
        assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15


def test_more_classes_have_colours_of_their_own() -> None:
    names = [f"c{i}" for i in range(1, 2 * len(CLASSES))]
    legend = class_legend(names)
    assert list(legend) == names
    assert len(set(legend.values())) == len(names)
    assert legend["c1"] == class_colour(1) == CLASSES[0]
