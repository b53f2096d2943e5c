"""What is on disk, as typed and frozen models: written and read only through them.

``stages.py`` each stage's inputs and result, ``parts.py`` what they share · ``job.py`` a job's
record · ``plan.py`` ``plan.json`` · ``board.py`` ``leaderboard.json``, with ``statistics.py`` and
``curves.py`` · ``model.py`` their base.
"""
