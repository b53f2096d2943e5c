"""What the built-in networks share."""
