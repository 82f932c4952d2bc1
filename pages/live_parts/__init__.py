"""Sections of the Live page."""
