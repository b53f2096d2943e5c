"""Defaults that several layers share."""

#: The results folder where none is named.
OUT = "results"
