"""One request from its pictures to its result, by a session of this process."""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Final, cast

from ..app.donor_files import FileDonors, read_donors
from ..app.faces.folders import SUFFIX
from ..app.jobs import Job, swap_job
from ..app.report import Json, TargetReport
from ..app.session import Session
from ..app.settings import SETTINGS, Value
from ..media.picture_formats import format_of
from ..media.pictures import FORMATS, looked_at
from ..pipeline.errors import CancelledError, MultiFaceSwapError
from .errors import public_text, without_folders
from .values import Claimed, Image, Outcome

SOURCE, TARGET = "source_img", "target_img"
"""What messages call both pictures."""
_MOST_DONORS: Final = 8
_MOST_PIXELS: Final = 8 << 20
"""Of a source whose faces are kept for the next request."""


class Swapping:
    """Does the work of requests. Threads may share it: models stay open, and donors that come again are kept."""

    def __init__(self, session: Session, is_wanted: Callable[[Claimed], bool] = lambda _: True) -> None:
        """`is_wanted`, asked once a face, says whether a request's work may go on."""
        self.session = session
        self._is_wanted = is_wanted
        self._donors: OrderedDict[str, FileDonors] = OrderedDict()
        self._lock = Lock()

    def __call__(self, claimed: Claimed) -> Outcome:
        """What comes of a request; what goes wrong with it is said in the outcome."""
        start = time.perf_counter()
        try:
            with TemporaryDirectory(prefix="multifaceswap-") as folder:
                return self._swapped(claimed, Path(folder), start)
        except (MultiFaceSwapError, OSError, MemoryError) as error:
            return Outcome(None, public_text(error), time.perf_counter() - start)

    def many(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """What comes of several requests, in their order. Those with one source are done one after the other."""
        order = sorted(range(len(claimed)), key=lambda n: donor_key(claimed[n].source, claimed[n].settings))
        done = {n: self(claimed[n]) for n in order}
        return [done[n] for n in range(len(claimed))]

    def _swapped(self, claimed: Claimed, folder: Path, start: float) -> Outcome:
        source = folder / (f"{SOURCE}{SUFFIX}" if claimed.is_saved else SOURCE)
        for path, data in ((source, claimed.source), (folder / TARGET, claimed.target)):
            path.write_bytes(data)
        image_format = _format(claimed)
        output = folder / f"output{FORMATS[image_format]}"
        settings = {**claimed.settings, "image_format": image_format}
        donors = self._read(claimed, source)
        self._go_on(claimed)

        def progress(_done: int, _total: int) -> None:
            self._go_on(claimed)

        done = swap_job(self.session, Job(folder / TARGET, output), donors, settings, progress)
        seconds = time.perf_counter() - start
        detail = {**detail_of(done), "runs_on": [without_folders(line) for line in self.session.models.running()]}
        if done.error is not None:
            return Outcome(None, without_folders(done.error), seconds, detail)
        picture = Image(output.read_bytes(), f"image/{image_format}")
        pairs = cast("list[Json]", done.details["pairs"])
        return Outcome(picture, "", seconds, detail, len(pairs))

    def _go_on(self, claimed: Claimed) -> None:
        if not self._is_wanted(claimed):
            raise CancelledError("cancelled")

    def _read(self, claimed: Claimed, path: Path) -> FileDonors:
        """The source's faces: found once for requests that follow each other with one source."""
        settings = {name: value for name, value in claimed.settings.items() if name in SETTINGS["picture"]}
        key = donor_key(claimed.source, settings)
        with self._lock:
            known = self._donors.get(key)
        donors = known or read_donors(self.session, [path], [], settings, names=[SOURCE])
        with self._lock:
            self._donors[key] = donors
            self._donors.move_to_end(key)
            large = sum(picture.size for picture in donors.donors.pictures) > 3 * _MOST_PIXELS
            if large or len(self._donors) > _MOST_DONORS:
                self._donors.popitem(last=large)
        return donors


def donor_key(source: bytes, settings: Mapping[str, Value]) -> str:
    """Requests with the same key have the same donors."""
    return hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode() + b"\0" + source).hexdigest()


def detail_of(done: TargetReport) -> dict[str, Json]:
    """What the reply says of a swap, without anything of the server's own."""
    models = cast("list[Mapping[str, Json]]", done.details.get("models", []))
    notes: list[Json] = [without_folders(note) for note in done.notes]
    return {**done.details, "licence": licence_of(models), "report": notes, "summary": done.summary}


def licence_of(models: list[Mapping[str, Json]]) -> str:
    """The engine's name and the licences of its files, on one line."""
    engine = next((one for one in models if one["use"] == "swap_model"), None)
    if engine is None:
        return ""
    licences = cast("list[str]", engine["licences"])
    return f"{engine['name']}: {', '.join(licences) or 'needs no model file; part of this program'}"


def _format(claimed: Claimed) -> str:
    """What the result is written as: of `auto`, as the target is, else png."""
    asked = str(claimed.settings["image_format"])
    if asked != "auto":
        return asked
    own = format_of(f"x.{looked_at(claimed.target, TARGET).media_type.rpartition('/')[2]}")
    return own if own in FORMATS else "png"
