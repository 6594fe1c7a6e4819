"""The hosted swap of one picture: nothing is paid twice, nothing paid is lost, the key is never seen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ...media.retry import Retries
from ...pipeline.quotes import excerpt
from ...pipeline.types import Picture, Size
from .api import ApiCalls
from .deadline import Clock, Deadline
from .endpoint import DEFAULT_BASE, Endpoint
from .errors import JournalError
from .job import SegmindJob, SegmindResult, ignore, never
from .journal import Journal
from .key import ApiKey, require_key, state_folder
from .media import Received, as_media
from .payment import RUN_AGAIN, Payment
from .responses import ResultInfo
from .runner import Runner
from .settings import DEFAULT_POLL_INTERVAL, DEFAULT_TIMEOUT, MODES, TRANSPORTS, SegmindSettings
from .transport import TransportLimits
from .uploads import Uploads

JOURNAL_FOLDER = "segmind"


class SegmindClient:
    """Swaps faces at the API. Threads may share one; closing it closes its connections."""

    def __init__(
        self,
        key: ApiKey,
        base_url: str = DEFAULT_BASE,
        journal: Journal | None = None,
        *,
        limits: TransportLimits | None = None,
        retries: Retries | None = None,
        clock: Clock | None = None,
        run_again: str = RUN_AGAIN,
    ) -> None:
        """`journal` is by default in `state_folder()`. `run_again` is what messages call that option.

        SettingsError for a base that isn't safe.
        """
        self._key = key
        self._clock = clock or Clock()
        self._journal = journal or Journal(state_folder() / JOURNAL_FOLDER, self._clock)
        self._payment = Payment(self._journal, run_again)
        self._api = ApiCalls(key, Endpoint(base_url), limits or TransportLimits(), retries or Retries())
        self._uploads = Uploads()
        self._tidy = threading.Lock()

    @classmethod
    def from_environment(
        cls,
        key_folders: Sequence[Path] | None = None,
        journal_folder: Path | None = None,
        *,
        run_again: str = RUN_AGAIN,
    ) -> SegmindClient:
        """The client of SEGMIND_API_KEY or of the key's file in `key_folders`, and of SEGMIND_BASE_URL.

        `journal_folder` is by default in `state_folder()`; `run_again` is what messages call that
        option. Raises MissingKeyError and SettingsError.
        """
        journal = None if journal_folder is None else Journal(journal_folder)
        return cls(require_key(key_folders), Endpoint.from_environment().base, journal, run_again=run_again)

    def __enter__(self) -> SegmindClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._api.close()

    def swap(
        self,
        source: Picture | bytes | str,
        target: Picture | bytes | str,
        settings: SegmindSettings | None = None,
        *,
        mode: str = MODES[0],
        transport: str = TRANSPORTS[0],
        timeout: float = DEFAULT_TIMEOUT,
        poll_interval: float = DEFAULT_POLL_INTERVAL,
        run_again: int = 0,
        cancelled: Callable[[], bool] = never,
        progress: Callable[[str], None] = ignore,
    ) -> SegmindResult:
        """Put the source's faces onto the target.

        Pictures are arrays, files' bytes or http(s) URLs: see `as_media`. `timeout` and `poll_interval` are seconds.
        The same call picks up what was paid for within the hour; another `run_again` pays anew. `cancelled` is asked
        ten times a second, from several threads; `progress` is called with the stage: uploading, sending, queued,
        processing, fetching.

        Raises SegmindError, SettingsError, ImageError and CancelledError. Nothing that is raised holds the key.
        """
        job = SegmindJob(
            as_media(source, "source"),
            as_media(target, "target"),
            settings or SegmindSettings(),
            mode,
            transport,
            timeout,
            poll_interval,
            run_again,
            progress,
        )
        self._prune()
        digest = job.digest(self._api.endpoint, self._key)
        deadline = Deadline(timeout, cancelled, self._clock)
        runner = Runner(job, digest, self._api, self._uploads, self._payment, deadline)
        received, info = runner.run()
        return _result(job, runner, digest, received, info)

    def delivered(self, result: SegmindResult) -> None:
        """Say that the result is safe: the journal keeps it for the rest of the hour. If it can't, it is no error."""
        with suppress(JournalError):
            self._journal.delivered(result.digest)

    def undelivered(self, result: SegmindResult) -> str:
        """For a message that the result couldn't be put where it was to go: where it is, and how to get it."""
        return self._payment.undelivered(result.digest)

    def _prune(self) -> None:
        """Tidy the journal once."""
        if self._tidy.acquire(blocking=False):
            self._journal.prune()


def _result(job: SegmindJob, runner: Runner, digest: str, received: Received, info: ResultInfo) -> SegmindResult:
    lines = [*_info(runner.request_id, info), *runner.notes, *job.settings.cautions(), *_surprises(job, received)]
    return SegmindResult(
        received.pixels,
        received.data,
        received.image_format,
        runner.request_id,
        info.inference_seconds,
        info.credits,
        tuple(lines),
        digest,
    )


def _info(request_id: str | None, info: ResultInfo) -> list[str]:
    lines = [f"request {excerpt(request_id)}"] if request_id else []
    lines += [f"inference took {info.inference_seconds:.2f} s"] if info.inference_seconds is not None else []
    return lines + ([info.credits] if info.credits else [])


def _surprises(job: SegmindJob, received: Received) -> list[str]:
    """What came back otherwise than asked."""
    lines: list[str] = []
    if received.image_format != job.settings.image_format:
        lines.append(f"the API sent {received.image_format}, asked for was {job.settings.image_format}")
    asked, sent = job.target.size, Size.of(received.pixels)
    if asked is not None and asked != sent:
        lines.append(f"the API sent {sent} pixels, the target has {asked}")
    return lines
