"""Defaults that several layers share."""

#: The results folder where none is named.
OUT = "results"
#: What the name of a rehearsal ends with, after that of its benchmark.
REHEARSAL = "-rehearsal"
