"""Build, load, import and keep models."""
