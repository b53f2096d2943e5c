"""Scores files: pairs predictions with references, scores them, draws where they differ."""
