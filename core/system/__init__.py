"""Processes, devices, files, archives, downloads and logs."""
