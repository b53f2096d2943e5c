"""Source: found by `make fuzz`. A line break in a file's header was one in the message."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vbench.engine.given import adopt, read
from vbench.engine.weights import load_weights
from vbench.errors import DataError, StoreError, VbenchError
from vbench.records.parts import GivenWeights


def test_a_type_of_two_lines_is_quoted_in_one(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"w": np.ones(2, np.float32)}, path)
    raw = path.read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:end])
    header["w"]["dtype"] = "a\nb"
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[end:])
    with pytest.raises(StoreError, match=r"unknown variant `a\\nb`") as refused:
        load_weights(path)
    assert "\n" not in str(refused.value)
    with pytest.raises(DataError):
        read(path)


@pytest.mark.parametrize("name", ["a\nb", "a\r\nb"])
def test_so_is_the_name_of_a_layer(tmp_path: Path, name: str) -> None:
    class Network:
        name = "network"

        def weights(self) -> dict[str, np.ndarray]:
            return {"w": np.ones(2, np.float32)}

    layers = {name: np.ones(2, np.float32), "w": np.ones(2, np.float32)}
    with pytest.raises(VbenchError, match="has no place") as refused:
        adopt(Network(), layers, GivenWeights(digest="x"), tmp_path / "w")  # type: ignore[arg-type]
    assert not {"\n", "\r"} & {*str(refused.value)}


def test_a_torch_file_whose_fault_has_no_words_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object, **__: object) -> None:
        raise EOFError

    monkeypatch.setattr("torch.load", load)
    (tmp_path / "a.pt").touch()
    with pytest.raises(DataError, match=r"cannot be read as weights \(EOFError\)"):
        read(tmp_path / "a.pt")


def test_several_faults_are_a_line_each() -> None:
    assert str(DataError("a\nb", "c")) == "a\\nb\nc"
