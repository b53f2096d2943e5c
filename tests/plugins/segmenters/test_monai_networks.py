from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from vbench_plugins.segmenters.monai_networks import MonaiNetwork
from vbench_plugins.segmenters.monai_signatures import signature

from vbench import registry
from vbench.errors import PluginError
from vbench.spec import parse_spec
from vbench.spec.check import faults
from vbench.testing import SegmenterSuite, ToyPatches
from vbench.types import Setup


class TestSegResNet(SegmenterSuite):
    plugin = MonaiNetwork.member("SegResNet")


class TestDynUNet(SegmenterSuite):
    plugin = MonaiNetwork.member("DynUNet")


def fit_and_predict(name: str, size: tuple[int, ...], **network: object) -> np.ndarray:
    cls = registry.default().segmenter(f"monai:{name}")
    given = {"network": network} if network else {}
    params = cls.Params(**{**cls.tiny, "steps": 1, **given})
    setup = Setup(size)
    cls.check(params, setup)
    method = cls(params, setup)
    assert [p.step for p in method.fit(ToyPatches(size, n=4), seed=1)] == [1]
    volume = np.zeros((20, 18, 10), np.float32)
    return method.predict(volume, np.ones(volume.shape, bool))


@pytest.mark.parametrize("name", MonaiNetwork.members)
def test_every_listed_network_trains_and_predicts(name):
    assert fit_and_predict(name, (32, 64)).shape == (20, 18, 10)


@pytest.mark.parametrize(
    ("name", "size", "network"),
    [
        ("UNet", (16, 16, 8), {"channels": [4, 8], "strides": [2]}),
        ("VNet", (32, 32), {}),
        ("BasicUNetPlusPlus", (32, 32), {"features": [4, 4, 4, 4, 4, 4]}),
        (
            "UNETR",
            (32, 32),
            {"feature_size": 4, "hidden_size": 12, "mlp_dim": 12, "num_heads": 1},
        ),
    ],
)
def test_others_work_by_name(name, size, network):
    assert fit_and_predict(name, size, **network).shape == (20, 18, 10)


def test_a_network_is_one_class_each():
    plugins = registry.default()
    assert plugins.segmenter("monai:UNet") is plugins.segmenter("monai:UNet")


def test_an_unknown_network_brings_the_nearest():
    with pytest.raises(PluginError, match=r"no network 'SegResnet' .*did you mean 'SegResNet'"):
        registry.default().segmenter("monai:SegResnet")


def test_a_network_that_is_none_for_images_is_unknown():
    with pytest.raises(PluginError, match="no network 'ResNet'"):
        registry.default().segmenter("monai:ResNet")


def spec_faults(plugin: str, size: list[int], **params: object) -> list[str]:
    spec = parse_spec(
        {
            "benchmark": {"name": "x"},
            "data": {"source": {"plugin": "phantom"}},
            "patches": {"size": size},
            "segmenter": {"plugin": plugin, "params": params},
        }
    )
    return faults(spec, registry.default())


def test_arguments_are_checked_before_any_training():
    assert spec_faults("monai:UNet", [16, 16], network={"num_res_units": 1}) == []
    (fault,) = spec_faults("monai:UNet", [16, 16], network={"num_rez_units": 1})
    assert fault.startswith("segmenter.params.network.num_rez_units: unknown key")
    assert "did you mean 'num_res_units'" in fault
    (fault,) = spec_faults("monai:UNet", [16, 16], network={"num_res_units": "many"})
    assert fault.startswith("segmenter.params.network.num_res_units: ")


def test_missing_arguments_are_named():
    (fault,) = spec_faults("monai:AutoEncoder", [16, 16])
    assert "params.network lacks channels, strides, which MONAI asks for" in fault


@pytest.mark.parametrize(
    ("name", "size", "multiple"),
    [("UNet", [16, 18], 4), ("SwinUNETR", [32, 48], 32), ("BasicUNet", [16, 16], 16)],
)
def test_sizes_that_cannot_be_halved_are_refused(name, size, multiple):
    (fault,) = spec_faults(f"monai:{name}", size)
    assert f"every extent must be a multiple of {multiple}, and one of them {2 * multiple}" in fault


def test_size_follows_from_the_arguments():
    deeper = {"channels": [4, 8, 16, 32], "strides": [2, 2, 2]}
    (fault,) = spec_faults("monai:UNet", [20, 20], network=deeper)
    assert "multiple of 8" in fault


def test_defaults_are_monai_s_own_where_it_has_plain_ones():
    arguments = {a.name: a for a in signature("SegResNet").arguments}
    assert arguments["blocks_down"].default == [1, 2, 2, 4]
    assert arguments["norm"].default == ["GROUP", {"num_groups": 8}]
    assert arguments["upsample_mode"].default is None
    assert arguments["upsample_mode"].text == "UpsampleMode.NONTRAINABLE"
    assert "spatial_dims" not in arguments
    assert signature("SegResNet").paper == "arXiv:1810.11654"


def test_reading_signatures_imports_no_monai():
    code = (
        "import sys; from vbench import registry; "
        "registry.default().segmenter('monai:SwinUNETR').Params(); print('monai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
