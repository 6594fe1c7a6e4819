"""What the README's figures come from: `python -m benchmarks` in the checkout's root, with the extra `benchmarks`.

Every row is a ratio, measured in one run on one machine: the pack against a peer at the same work, on one thread each.
"""

import os
import sys

from scripts.checkout import load_checkout

# Before anything is imported that reads them.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
if "multifaceswap" not in sys.modules:
    load_checkout()
