"""The hosted API's calls, answered by the engines of this machine.

What a program sends is checked and on disk before it is accepted; who does the work is one process's threads or Ray
Serve's replicas, which both take it from the same state.
"""
