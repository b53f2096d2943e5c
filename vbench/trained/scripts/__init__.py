"""What an exported model needs beside MONAI: how scans are prepared, and how it is run.

These files are copied into each bundle, with the modules of vbench that they import, as they are;
only where they are imported from is changed. So they import nothing else of vbench.
"""
