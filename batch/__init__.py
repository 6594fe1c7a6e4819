"""Many pictures and clips: what is to be done, where the files are, what is done already, and who does it.

What is done to a picture comes from outside; here it is done once, again where it fails, and reported.
"""

from .items import Item, items_of
from .locally import run_locally
from .on_ray import Cluster, run_on_ray
from .places import Place
from .working import Entry, Worker, files_of, owned_folder, record_of, tally

__all__ = [
    "Cluster",
    "Entry",
    "Item",
    "Place",
    "Worker",
    "files_of",
    "items_of",
    "owned_folder",
    "record_of",
    "run_locally",
    "run_on_ray",
    "tally",
]
