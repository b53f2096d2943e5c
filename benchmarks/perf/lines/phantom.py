"""A phantom of the size of a research scan: vessels, head, image, label and mask."""

from __future__ import annotations

from harness import Found, fine_seconds, line

SHAPE, SPACING = (312, 384, 127), (0.5, 0.5, 0.7)


@line("phantom volume", goal=10, rounds=2)
def phantom(rounds: int) -> Found:
    from vbench import registry

    cls = registry.default().source("phantom")
    source = cls(cls.Params(shape=SHAPE, spacing=SPACING))
    names = list(source.subjects(rounds))
    volumes = [source.load(names[0])]
    spent = [fine_seconds(lambda n=name: volumes.append(source.load(n))) for name in names]
    assert (volumes[0].label == volumes[1].label).all()
    return Found(f"{' × '.join(map(str, SHAPE))}", "the same voxels again", spent)
