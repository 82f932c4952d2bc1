"""A training run: its folder, its events, its process, its charts."""
