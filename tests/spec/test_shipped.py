import tomllib
from pathlib import Path

import pytest
from command_line import vbench
from documents import ROOT

from vbench.errors import SpecError
from vbench.spec import load_spec
from vbench.spec.shipped import names, spec_path


def test_the_wheel_holds_every_benchmark() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {
        f"benchmarks/{name}": f"vbench/benchmarks/{name}"
        for name in ("recipes", *(f"{name}.toml" for name in names()))
    }


def test_a_benchmark_is_found_by_name_and_extends_its_neighbour() -> None:
    assert load_spec("smoke").benchmark.name == "smoke"
    assert load_spec("beyond", ["tune.trials=1"]).tune.trials == 1
    answer = vbench("validate", "smoke")
    assert (answer.code, answer.out.splitlines()[0]) == (0, "smoke is sound")


def test_a_file_goes_first_and_a_folder_does_not_hide_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smoke").mkdir()
    assert spec_path("smoke").suffix == ".toml"
    (tmp_path / "paper").write_text("")
    assert spec_path("paper") == Path("paper")


def test_a_name_that_is_none_gets_the_nearest(tmp_path: Path) -> None:
    for text in ("smok", "smok.toml"):
        with pytest.raises(
            SpecError, match=r"no such file, and no benchmark.*did you mean 'smoke'"
        ):
            load_spec(text)
    with pytest.raises(SpecError, match=r"no such file; expected a spec in TOML$"):
        load_spec(tmp_path / "smoke.toml")


@pytest.mark.parametrize("given", ["t.tml", "t", "T.toml", "t.json"])
def test_a_misspelt_file_gets_the_nearest_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.toml").write_text("")
    (tmp_path / "other.toml").write_text("")
    with pytest.raises(SpecError, match=rf"^{given}: no such file; did you mean 't.toml'\?$"):
        load_spec(given)
    with pytest.raises(SpecError, match=rf"no such file; did you mean '{tmp_path}/t.toml'\?$"):
        load_spec(tmp_path / given)


def test_a_spec_extends_a_shipped_one_by_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        '[benchmark]\nextends = "chase-db1"\nname = "mine"\n[data.source]\npath = "CHASE"\n'
    )
    spec = load_spec(tmp_path / "mine.toml")
    assert spec.data.source.params["path"] == str(tmp_path / "CHASE")
    assert spec.data.source.params["image"] == "{subject}.jpg"
    (tmp_path / "mine.toml").write_text('[benchmark]\nextends = "chase"\nname = "mine"\n')
    with pytest.raises(SpecError, match="chase: no such file"):
        load_spec(tmp_path / "mine.toml")
