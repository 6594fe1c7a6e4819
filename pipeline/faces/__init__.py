"""Which face is which: found, numbered, listed, paired, recognised."""
