"""A synthetic data set to share: its export, its audit again, and its datasheet."""
