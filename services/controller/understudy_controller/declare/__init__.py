"""Channels and origin endpoints declared in a YAML file, checked and applied."""
