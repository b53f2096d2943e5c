"""The built-in plugins of vbench; each sub-package is one entry point."""
