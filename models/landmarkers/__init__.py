"""Measure landmarks of faces that a detector found."""
