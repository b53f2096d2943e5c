"""What runs a benchmark: planning its jobs, doing them, and keeping their results."""
