"""One face out of a picture, changed, and back into it."""
