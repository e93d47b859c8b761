"""The shelf: one file or folder per good, found by discovery like a third-party package, imported by nobody."""
