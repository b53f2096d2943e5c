"""The morphology table of the anterior, middle and posterior cerebral arteries alone.

Call: ``python benchmarks/figures/cerebral.py TREE.swc …``, trees of phantoms. Traced brains hold
these three; the carotids, the basilar, the circle of Willis and the cerebellar arteries are left
out.
"""

import sys

import numpy as np
from vbench_plugins.phantom.morphology import markdown, measure
from vbench_plugins.phantom.swc import Tree, read_swc
from vbench_plugins.phantom.willis import ACA, MCA, PCA


def cerebral(tree):
    """Return the part of a tree that belongs to the three territories."""
    keep = np.isin(tree.kind, (ACA, MCA, PCA))
    joined = (tree.parent >= 0) & keep[tree.parent]
    parent = np.where(joined, (np.cumsum(keep) - 1)[tree.parent], -1)
    return Tree(tree.points[keep], tree.radius[keep], parent[keep], tree.kind[keep])


if __name__ == "__main__":
    trees = [cerebral(read_swc(path)) for path in sys.argv[1:]]
    print(markdown(measure(trees)), end="")
    extent = np.median([np.ptp(tree.points, axis=0) for tree in trees], axis=0)
    print("\nmedian extent, mm:", *extent.round().astype(int))
