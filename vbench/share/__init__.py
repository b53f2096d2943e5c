"""A synthetic data set to share: its export, a repeat of its audit, and its datasheet."""
