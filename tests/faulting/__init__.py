"""Everything that can go wrong in a run, by stage: ``tests/faults`` and ``benchmarks/faults.py``.

``ground.py`` what is broken, and what must hold afterwards · a module for each family of faults ·
``matrix.py`` all of them.
"""
