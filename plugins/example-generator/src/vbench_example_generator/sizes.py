"""Which patch sizes fit; free of torch, since specs are checked by it."""

#: How often the encoder halves a patch: each extent is a multiple of 2 to this power.
HALVINGS = 2
