"""Data sources: subjects from files, or made by a procedure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from vbench.interfaces.plugin import Count, Plugin
from vbench.labels import LabelMap
from vbench.types import CHANNELS, Kind, Subject


class DataSource(Plugin):
    """Where subjects come from: a folder of NIfTI files, or a procedure.

    Call order: ``subjects``, then ``fingerprint`` and ``load`` for any of them, in any order and
    from several processes. Each call is deterministic.

    Attributes:
        patients: Whether its subjects are people; False for a procedure that makes them up.
        valued: Whether subjects have ``values`` where ``label_map`` is set, so that a spec may name
            classes.
        channels: How many channels of an image it reads: 1, or ``"any"``.
        label_map: The classes that the spec names; None: vessel or not. Set by vbench before
            anything is asked.
        channel_names: The channels that the spec names, in their order in ``Subject.image``.
            Likewise.
    """

    kind: ClassVar[Kind] = "source"
    patients: ClassVar[bool] = True
    valued: ClassVar[bool] = False
    channels: ClassVar[Count] = 1
    label_map: LabelMap | None = None
    channel_names: tuple[str, ...] = CHANNELS
    #: Parameters that differ by role (``source``, ``target``) unless the spec names them.
    role_defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init__(self, params: Any) -> None:
        """Keep the parameters; read nothing yet.

        Args:
            params: An instance of this class's ``Params``.
        """
        self.params = params

    @abstractmethod
    def subjects(self, wanted: int | None = None) -> list[str]:
        """Name the subjects, in a stable order.

        Args:
            wanted: How many the split asks for, None when it is given in fractions or names. A
                folder lists what it has, whatever is wanted; a procedure makes that many.

        Raises:
            DataError: When the folder is missing or not of this layout.
        """

    @abstractmethod
    def fingerprint(self, subject: str) -> str:
        """Return a digest of the subject's content, without decoding it where that can be avoided.

        It changes when the content does, and only then: not with the folder's place.
        """

    def anatomy(self, subject: str) -> list[str]:
        """Return digests that this subject shares with the same head under another name or noise.

        vbench refuses subjects that share one in source and target, or in two parts of the split;
        one that begins with ``label`` counts only between source and target.
        """
        return [self.fingerprint(subject)]

    @abstractmethod
    def load(self, subject: str) -> Subject:
        """Read or make one subject.

        Raises:
            DataError: Naming the file, what was expected and how to fix it.
        """

    def shape_of(self, subject: str) -> tuple[int, int, int] | None:
        """Return the shape of a subject's arrays; None when only loading it tells.

        Patches that do not fit are then refused before anything is trained.
        """
        return None

    def group_of(self, subject: str) -> str:
        """Name the person whose subject it is, when one person may have several.

        All subjects of a person are in one part of the split, and count once in tests.
        """
        return subject

    def described(self, subject: str) -> Mapping[str, str]:
        """Return what is known of a subject beside its image, by column: scanner, sex, pathology.

        Scores are told by these columns where a spec names them as ``subgroups``. Empty, as here,
        when nothing is known; a column is left out, or ``n/a``, where it is not of this subject.

        Raises:
            DataError: When the table that says so cannot be read.
        """
        return {}

    def known_labels(self) -> LabelMap | None:
        """Return the classes as the data set names them itself, for ``labels = "dataset"``.

        None, as here, when it names none.

        Raises:
            DataError: When it does, but they are of no use; naming the file.
        """
        return None

    def attachments(self, subject: Subject) -> Mapping[str, str]:
        """Return texts that ``vbench data make`` writes beside a subject's label.

        Args:
            subject: As ``load`` returned it.

        Returns:
            Text by file suffix, such as ``.swc``.
        """
        return {}
