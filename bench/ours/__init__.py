"""Our side of a row, where it runs in a process of its own."""
