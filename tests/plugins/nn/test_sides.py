"""Classes with sides: patches of them are not mirrored."""

import pytest
from vbench_plugins.generators.gan import WganGpSn
from vbench_plugins.generators.mask_first import MaskFirst
from vbench_plugins.generators.monai_flow import MonaiFlow
from vbench_plugins.nn.sides import sided
from vbench_plugins.segmenters.unet import Unet3d

from vbench.interfaces import Fitted
from vbench.types import Setup

SIDED = ("BA", "R-PCA", "L-PCA")


@pytest.mark.parametrize(
    ("labels", "pair"),
    [
        (SIDED, ("R-PCA", "L-PCA")),
        (("left ICA", "right ica"), ("left ICA", "right ica")),
        (("PCA_l", "PCA_r", "BA"), ("PCA_l", "PCA_r")),
        (("mca.left", "mca.right"), ("mca.left", "mca.right")),
        (("artery", "vein"), None),
        (("R-PCA", "L-ICA"), None),
        (("vessel",), None),
        (("large", "small"), None),
    ],
)
def test_two_classes_that_differ_by_side(labels: tuple[str, ...], pair: object) -> None:
    assert sided(labels) == pair


@pytest.mark.parametrize(
    ("cls", "mirrors", "still"),
    [
        (WganGpSn, {"augment": True}, {}),
        (WganGpSn, {"turn": True}, {}),
        (MaskFirst, {}, {"augment": False}),
        (MonaiFlow, {}, {"augment": False}),
        (Unet3d, {}, {"flips": "none"}),
        (Unet3d, {"flips": "all"}, {"flips": "vertical"}),
    ],
)
def test_mirrors_of_sided_classes_are_refused(
    cls: type[Fitted], mirrors: dict[str, object], still: dict[str, object]
) -> None:
    setup = Setup((16, 16, 16), labels=SIDED)
    with pytest.raises(ValueError, match="mirrors patches, and R-PCA and L-PCA differ by their si"):
        cls.check(cls.Params(**mirrors), setup)
    cls.check(cls.Params(**still), setup)
    cls.check(cls.Params(**mirrors), Setup((16, 16, 16), labels=("artery", "vein")))
