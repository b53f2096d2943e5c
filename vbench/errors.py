"""Errors that a user can fix; the command line prints them as one line and exits with code 2."""

from __future__ import annotations

from collections.abc import Iterable


class VbenchError(Exception):
    """Base: a message in one line that names the file or key, what was expected, and the fix."""


class SpecError(VbenchError):
    """The spec, or a ``--set``, is wrong."""


class _LineError(VbenchError):
    """A line for each argument, whatever names and messages of others it quotes."""

    def __str__(self) -> str:
        """Return the lines, a line break within one as an escape."""
        return "\n".join(str(line).replace("\n", "\\n").replace("\r", "\\r") for line in self.args)


class DataError(_LineError):
    """A data file or folder is wrong."""


class PluginError(VbenchError):
    """A plugin is missing, clashes with another, or cannot be loaded."""


class MissingExtraError(PluginError, ValueError):
    """A plugin needs a library that is not installed; names the command that installs it.

    A ``ValueError``, too, so that :meth:`~vbench.interfaces.Fitted.check` may raise it.
    """


class StoreError(_LineError):
    """The results folder cannot be read or written as it is."""


class DamagedError(StoreError):
    """What a job wrote is no longer what it was; a run does the job again."""


class AlarmError(VbenchError):
    """A privacy audit raised an alarm, and nobody answered for it; exit code 1."""


class ContractError(Exception):
    """A plugin broke its interface: a wrong shape, type or range. Fails its own arm only."""


class DivergedError(Exception):
    """A method's training diverged: NaN, or constant output. Fails its own arm."""


class GpuMemoryError(VbenchError, MemoryError):
    """A GPU has no memory left for what a job asked of it. Fails that job only."""


#: What people call things that have another name here.
OTHER_NAMES = {
    "dice": "dsc",
    "dice-score": "dsc",
    "dice-coefficient": "dsc",
    "f1": "dsc",
    "jaccard": "iou",
    "hausdorff": "hd95",
    "hausdorff95": "hd95",
    "hausdorff-distance": "hd95",
    "95hd": "hd95",
    "asd": "assd",
    "asds": "assd",
    "sensitivity": "recall",
    "tpr": "recall",
    "ppv": "precision",
    "centerline-dice": "cldice",
    "cl-dice": "cldice",
    "surface-dice": "nsd",
    "nsds": "nsd",
    "unet": "unet3d",
    "unet2d": "unet3d",
    "u-net": "unet3d",
    "nnunet": "nnunet-v2",
    "nnu-net": "nnunet-v2",
    "nifti": "nnunet",
    "png": "images",
    "tiff": "images",
    "csv": "manifest",
    "learning-rate": "lr",
    "iterations": "steps",
    "iters": "steps",
    "max-steps": "steps",
    "num-steps": "steps",
}


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return what a name may have been meant for: its usual name here, one like it, or its kin."""
    import difflib

    names, plain = sorted(known), _plain(name)
    usual = OTHER_NAMES.get(plain)
    if usual in names:
        return [usual]
    by_plain = {_plain(each): each for each in names}
    near = difflib.get_close_matches(plain, by_plain, n=1, cutoff=0.65)
    if near:
        return [by_plain[near[0]]]
    # Of two letters only a whole word counts, such as the lr of lr_generator.
    kin = [
        each
        for each in names
        if plain in (_plain(each) if len(plain) > 2 else _plain(each).split("-"))
    ]
    return kin if len(kin) < 5 else []


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"``, or what is known when nothing is near; for messages."""
    names = sorted(known)
    near = nearest(name, names)
    if near:
        return f"; did you mean {' or '.join(repr(each) for each in near)}?"
    if not names:
        return ""
    return f"; known: {', '.join(names)}"


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
