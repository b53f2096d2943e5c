"""The table ``[regimes]``: a key for each regime that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, create_model, model_validator

from vbench.regimes import REGIMES, Regime
from vbench.tables import Table

T = TypeVar("T")


class RegimeTables(Table):
    """Which arms the benchmark has; ``true`` stands for a table of defaults."""

    @model_validator(mode="after")
    def _some(self) -> RegimeTables:
        if not self.on():
            raise ValueError("no regime is switched on; write at least real = true")
        return self

    def table(self, regime: Regime[T]) -> T | None:
        """Return a regime's table; None when it is off."""
        return getattr(self, regime.name) or None

    def on(self) -> list[tuple[Regime[Any], Any]]:
        """Return the regimes that are on, each with its table, in the order of comparison."""
        tables = ((regime, getattr(self, name) or None) for name, regime in REGIMES.items())
        return [(regime, table) for regime, table in tables if table is not None]


def _key(regime: Regime[Any]) -> Any:
    if regime.table is bool:
        return bool, Field(False, description=regime.help)

    def switch(value: Any) -> Any:
        if value is True and not regime.needs_table:
            return {}
        return None if value is False else value

    kind: Any = regime.table | None
    return Annotated[kind, BeforeValidator(switch)], Field(None, description=regime.help)


if TYPE_CHECKING:
    Regimes = RegimeTables
else:
    Regimes = create_model(
        "Regimes",
        __base__=RegimeTables,
        __doc__=RegimeTables.__doc__,
        **{regime.name: _key(regime) for regime in REGIMES.values()},
    )
