"""Teach a model: loop.py is the story to read first."""
