"""The base of all suites of checks: how one is written, and what every kind of plugin holds.

A suite is a class whose ``test_*`` methods are the checks. pytest runs a subclass as it runs any
test class; :func:`vbench.testing.run.run` runs the same methods without pytest. A method with an
argument ``ndim`` is run once for each patch dimension that the plugin declares.
"""

from __future__ import annotations

import inspect
import traceback
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from vbench.interfaces import Params, Plugin
from vbench.testing.guards import heavy_imports


class Skip(unittest.SkipTest):
    """A check does not apply; the message says why. pytest counts it as skipped."""


def expect(condition: object, message: str) -> None:
    """Fail the check with a message that says what was expected and what came.

    Raises:
        AssertionError: When the condition does not hold.
    """
    if not condition:
        raise AssertionError(message)


def described(error: BaseException) -> str:
    """Say what a check or a plugin raised, in one piece.

    A finding is its text, and an error its type and text. One without a text, such as a bare
    ``assert`` of a plugin, says where it is.
    """
    if isinstance(error, SystemExit):
        return f"called sys.exit({error.code!r}), which would end the whole run"
    kind, text = type(error).__name__, str(error).strip()
    if text:
        return text if isinstance(error, AssertionError) else f"{kind}: {text}"
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return kind
    last = frames[-1]
    return f"{kind} in line {last.lineno} of {Path(last.filename).name}: {last.line}"


class Conformance:
    """What every plugin holds: a name, a description, parameters that say what they are.

    Attributes:
        plugin: The class under test.
        params: Parameters on top of the plugin's ``tiny``, such as the path of a data source.
    """

    plugin: ClassVar[type[Plugin]]
    params: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def dims(cls) -> tuple[int, ...]:
        """Return the patch dimensions that the plugin declares."""
        return tuple(getattr(cls.plugin, "ndims", (2, 3)))

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Run checks with an argument ``ndim`` once for each declared dimension."""
        if "ndim" in metafunc.fixturenames:
            metafunc.parametrize("ndim", self.dims(), ids=[f"{n}D" for n in self.dims()])

    def settings(self) -> Any:
        """Return the parameters for tests: ``tiny``, and ``params`` on top.

        Raises:
            Skip: When a parameter that has no default is in neither.
        """
        given = {**self.plugin.tiny, **self.params}
        needed = [
            name
            for name, field in self.plugin.Params.model_fields.items()
            if field.is_required() and name not in given
        ]
        if needed:
            raise Skip(f"needs {', '.join(needed)}, which has no default: give it to the check")
        return self.plugin.Params(**given)

    def test_describes_itself(self) -> None:
        """Has a docstring that says what it is."""
        text = (inspect.cleandoc(self.plugin.__doc__ or "")).strip()
        inherited = {base.__doc__ for base in self.plugin.__mro__[1:]}
        expect(
            text and self.plugin.__doc__ not in inherited,
            f"{self.plugin.__name__} has no docstring; its first line is what "
            "`vbench plugins` says of it",
        )

    def test_parameters_are_described(self) -> None:
        """Says of every parameter what it does, and freezes the model."""
        model = self.plugin.Params
        expect(
            isinstance(model, type) and issubclass(model, Params),
            f"Params is {model!r}; expected a subclass of vbench.Params",
        )
        expect(
            model.model_config.get("frozen"), "Params is not frozen: a run could change its own key"
        )
        for name, field in model.model_fields.items():
            expect(field.description, f"parameter {name} has no help; declare it with vbench.param")

    def test_tiny_parameters_are_valid(self) -> None:
        """Takes its own tiny parameters, and the same ones read back from JSON."""
        settings = self.settings()
        again = self.plugin.Params.model_validate_json(settings.model_dump_json())
        expect(again == settings, f"parameters change on the way through JSON: {again!r}")

    def test_tuned_values_are_allowed(self) -> None:
        """Accepts every value that it asks Optuna to try."""
        settings = self.settings().model_dump()
        for name, field in self.plugin.Params.model_fields.items():
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            tune: Any = extra.get("tune")
            if not tune:
                continue
            if tune["range"]:
                low, high = tune["values"]
                expect(low < high, f"{name}: tuned from {low} to {high}, which is empty")
                expect(low > 0 or not tune["log"], f"{name}: tuned on a log scale from {low}")
            for value in tune["values"]:
                try:
                    self.plugin.Params(**{**settings, name: value})
                except ValidationError as error:
                    raise AssertionError(
                        f"{name} is tuned over {value!r}, which its own limits refuse"
                    ) from error

    def test_unknown_parameter_is_refused(self) -> None:
        """Refuses a misspelt parameter by its name."""
        unknown = "no_such_parameter"
        try:
            self.plugin.Params(**{**self.settings().model_dump(), unknown: 1})
        except ValidationError as error:
            expect(unknown in str(error), f"the error does not name {unknown}: {error}")
            return
        raise AssertionError(f"{unknown} = 1 was accepted; Params must forbid extra names")

    def test_import_is_light(self) -> None:
        """Imports no heavy library with its module."""
        heavy = heavy_imports(self.plugin)
        expect(
            not heavy,
            f"importing {self.plugin.__module__} imports {', '.join(heavy)}; import it inside "
            "of the methods that use it, so that `vbench plan` starts at once",
        )
