"""The procedural brain phantom: vessel trees, a brain around them, and a TOF-MRA of both.

Template coordinates are in mm, RAS+, with the origin near the middle of the brain: the circle of
Willis lies at about ``(0, -3, -20)``.
"""
