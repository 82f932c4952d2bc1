"""Searches over settings: which encoder, size, loss and so on suit a data set, within a number of minutes."""
