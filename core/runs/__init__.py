"""A training run: its folder, events, process and charts."""
