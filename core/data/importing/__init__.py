"""Import photos and masks from zips, folders and public data sets, in whatever layout they come."""
