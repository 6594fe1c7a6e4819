"""`python -m multifaceswap`."""

from .cli import run

run()
