"""Processes, files, archives, downloads and logs."""
