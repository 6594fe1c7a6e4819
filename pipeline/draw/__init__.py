"""Pictures that show what is what: numbered faces, arrows, digits."""
