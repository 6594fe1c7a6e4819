"""Files and pictures say what they are."""
