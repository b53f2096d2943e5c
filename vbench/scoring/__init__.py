"""Scores files: pairs predictions with truths, scores them, draws where they differ."""
