"""Saved faces: a person's views and identities in one file, without the pictures that they were taken from."""
