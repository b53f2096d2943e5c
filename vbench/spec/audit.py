"""The table ``[audit]``: attacks on the generators."""

from __future__ import annotations

from pydantic import Field, field_validator

from vbench.tables import PluginUse, Table

#: With fewer canaries, no guesses can show any leak.
FEWEST_CANARIES = 8


class Audit(Table):
    """Attacks on each generator, beside the privacy scores; without this table there are none.

    Shadows and canaries cost as many more trainings of each generator as are asked for, whatever
    the number of seeds. Attacks through the generator itself cost no training.
    """

    shadows: int = Field(
        0, ge=0, description="Generators trained on other choices of the source's patients."
    )
    canaries: int = Field(
        0,
        ge=0,
        description="Made-up patients, planted or not by a coin in one more training: a lower "
        "bound of epsilon. 0, or 8 and more.",
    )
    canary: PluginUse = Field(
        PluginUse(plugin="canary"), description="The data source that makes them up."
    )
    patches: int = Field(
        100, ge=1, description="Patches of each patient that are attacked, drawn at random."
    )

    @field_validator("canaries")
    @classmethod
    def _enough(cls, canaries: int) -> int:
        if 0 < canaries < FEWEST_CANARIES:
            raise ValueError(
                f"{canaries} coins are guessed by chance too easily; ask for {FEWEST_CANARIES} "
                "or more (32 can show an epsilon of 2.3), or 0"
            )
        return canaries
