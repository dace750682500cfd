"""JSON and CSV of any shape, read as a mapping file says; the public names are in ``schemas.mapping``."""
