"""Train a model: start with loop.py."""
