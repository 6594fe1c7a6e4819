"""Engines on other people's machines."""
