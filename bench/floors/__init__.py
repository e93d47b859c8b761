"""The floors: the least code that does the same work, and the model server that all share."""
