"""What was trained, put to use: on new scans, for more patches, and in other tools."""
