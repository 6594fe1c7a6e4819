"""What the README's figures come from: `python -m benchmarks`, in the checkout's root, with the extra `test` installed.

Every row is a ratio, measured in one run on one machine: the pack against a peer at the same work, on one thread each.
"""
