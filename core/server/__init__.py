"""The REST endpoint and what keeps a public server in order."""
