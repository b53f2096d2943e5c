"""What a data set is, in words: shown beside results and in the list of recipes; part of no job."""

from __future__ import annotations

from pydantic import Field

from vbench.tables import Table


class About(Table):
    """A data set in words: no key of a job depends on them."""

    title: str = Field("", description="Name of the data set.")
    modality: str = Field("", description="How it was imaged, and what.")
    subjects: str = Field("", description="How many images with labels, of how many persons.")
    labels: str = Field("", description="What is labelled, and how.")
    licence: str = Field("", description="Under which terms it may be used.")
    citation: str = Field("", description="What to cite when it is used.")
    address: str = Field("", description="Where it is had from; vbench downloads nothing.")
    folder: str = Field("", description="Which folder of the download `path` names.")
    person: str = Field("", description="How the split knows who is one person.")
    read: list[str] = Field([], description="Addresses of the pages where all this was read.")
    unchecked: str = Field("", description="What could not be checked.")
