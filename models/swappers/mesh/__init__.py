"""The built-in engine: the donor's face, warped over the 468-point mesh onto the target's pose and expression."""
