"""The REST endpoint, and protection, cleaning and monitoring of a public server."""
