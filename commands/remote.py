"""`multifaceswap remote`: the swap at Segmind's hosted API, with the same settings."""

from __future__ import annotations

import threading
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..app import report
from ..app.faces.folders import PREFIX, is_saved
from ..app.marks import MarkedPicture, Marker, marked_hosted, with_marks
from ..app.outputs import require_outputs
from ..app.report import TargetReport
from ..hosted.segmind.client import SegmindClient
from ..hosted.segmind.endpoint import is_web_url
from ..hosted.segmind.job import SegmindResult
from ..hosted.segmind.settings import API_FORMATS, CALLS, SETTINGS, SegmindSetting, SegmindSettings
from ..marking.statement import WITH_AI, Statement
from ..media.pictures import (
    Metadata,
    described,
    picture_format,
    read_metadata,
    read_picture,
    write_file,
    write_picture,
)
from ..pipeline.errors import CancelledError, ImageError, SettingsError
from ..pipeline.types import Picture
from . import console
from .files import Targets, find_targets, require_free, results
from .options import add_choice, add_number, add_settings, add_signing, signing_of
from .refusals import refusals

_SENT_AS_THEY_ARE = (".jpg", ".jpeg", ".png", ".webp")


def add_arguments(parser: ArgumentParser) -> None:
    many: dict[str, Any] = {"nargs": "+", "action": "extend", "required": True}
    parser.add_argument("--source", metavar="FILE", help="picture, or its URL, that gives faces")
    parser.add_argument("--person", nargs="+", help=SUPPRESS)
    parser.add_argument("--target", metavar="FILE", help="pictures or folders to change, or one URL", **many)
    parser.add_argument("--output", required=True, metavar="PATH", help="file to write; of several targets, a folder")
    parser.add_argument("--report", metavar="FILE.json", help="also write what was done, as JSON")
    parser.add_argument("--overwrite", action="store_true", help="let --output replace a target or source")
    add_signing(parser)
    add_settings(parser, "file")
    for name, setting in {**SETTINGS, **CALLS}.items():
        if name not in ("image_format", "image_quality"):
            _add_setting(parser, _option(name), setting)


def run(arguments: Namespace) -> int:
    _require_picture(arguments)
    jobs, refused = _plan(arguments)
    marker = Marker(Statement(WITH_AI), signing_of(arguments).credentials()) if arguments.mark else None
    with SegmindClient.from_environment(run_again=_option("run_again")) as client:
        source = _picture(arguments.source)
        done = _done(jobs, refused, source, client, arguments, marker)
    if arguments.report:
        settings = {name: value for name, value in vars(arguments).items() if name != "run"}
        write_file(arguments.report, report.document(settings, [one.as_json() for one in done]))
    return console.exit_code([one.error for one in done])


def _require_picture(arguments: Namespace) -> None:
    """Raise SettingsError where somebody else gives faces than one picture."""
    source = arguments.source
    if arguments.person or (source and (source.startswith(PREFIX) or is_saved(source) or Path(source).is_dir())):
        raise SettingsError("the hosted API takes pictures, no people and no saved faces: give one picture by --source")
    if not source:
        raise SettingsError("nobody gives a face: say --source")


@dataclass(frozen=True, slots=True)
class _Request:
    """One target, what to ask for, and the file that comes of it."""

    target: str
    output: Path
    settings: SegmindSettings


def _plan(arguments: Namespace) -> tuple[list[_Request], dict[Path, str]]:
    """What will be asked and written, and which results can't be; an error before any call where a setting or a name
    is wrong, or where none could be written."""
    names, targets = _targets(arguments)
    image_format = None if arguments.image_format == "auto" else arguments.image_format
    outputs = results(targets, arguments.output, image_format, "--output")
    refused = _usable(arguments, names, outputs)
    requests = [
        _Request(target, output, _settings(arguments, picture_format(output)))
        for target, output in zip(names, outputs, strict=True)
    ]
    return requests, refused


def _usable(arguments: Namespace, targets: Sequence[str], outputs: Sequence[Path]) -> dict[Path, str]:
    """Why results can't be written, where that's not all of them: raises as `_plan`."""
    files = [Path(target) for target in [arguments.source, *targets] if not is_web_url(target)]
    others = [Path(arguments.report)] if arguments.report else []
    require_free(outputs, [] if arguments.overwrite else files, " or say --overwrite")
    require_free([*outputs, *others], [])
    require_free(others, files)
    require_outputs(others)
    if is_web_url(targets[0]):
        require_outputs(outputs)
        return {}
    return refusals([Path(target) for target in targets], outputs, [()] * len(outputs), None)


def _targets(arguments: Namespace) -> tuple[list[str], Targets]:
    """The targets' names, and the same as files, of which a URL is one."""
    if not any(is_web_url(target) for target in arguments.target):
        targets = find_targets(arguments.target, arguments.output)
        return [str(path) for path in targets.files], targets
    if len(arguments.target) > 1:
        raise SettingsError("--target: expected pictures, or one URL alone")
    return [*arguments.target], Targets([Path(arguments.target[0])], False)


def _settings(arguments: Namespace, image_format: str) -> SegmindSettings:
    asked = image_format if image_format in API_FORMATS else "png"
    values: dict[str, Any] = {**{name: getattr(arguments, name) for name in SETTINGS}, "image_format": asked}
    return SegmindSettings(**values)


def _picture(name: str) -> Picture | bytes | str:
    """What is sent: a URL or a file as it is where the API takes it, else its pixels."""
    if is_web_url(name):
        return name
    # Read in any case: what isn't a picture is named by its file, before anything is sent.
    picture = read_picture(name)
    return Path(name).read_bytes() if Path(name).suffix.lower() in _SENT_AS_THEY_ARE else picture


def _done(
    jobs: Sequence[_Request],
    refused: Mapping[Path, str],
    source: Picture | bytes | str,
    client: SegmindClient,
    arguments: Namespace,
    marker: Marker | None,
) -> list[TargetReport]:
    """What came of every job, in order, some at once."""
    stop = threading.Event()

    def work(job: _Request) -> TargetReport:
        if reason := refused.get(job.output):
            return TargetReport(job.target, error=reason)
        return console.attempt(job.target, lambda: _swap(job, source, client, arguments, stop, marker))

    pool = ThreadPoolExecutor(arguments.concurrency)
    futures = [pool.submit(work, job) for job in jobs]
    try:
        with console.progress(futures, "picture") as bar:
            return [_outcome(future) for future in bar]
    except KeyboardInterrupt as error:
        stop.set()
        pool.shutdown(cancel_futures=True)
        raise CancelledError(_cancelled(futures)) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _cancelled(futures: Sequence[Future[TargetReport]]) -> str:
    """What those that were under way say of themselves."""
    ended = [future.exception() for future in futures if not future.cancelled()]
    said = [str(error) for error in ended if isinstance(error, CancelledError)]
    return "; ".join(dict.fromkeys(said)) or "cancelled"


def _outcome(future: Future[TargetReport]) -> TargetReport:
    """What a future gives; looked at now and then, because Windows ignores Ctrl-C during an endless wait."""
    while not future.done():
        wait([future], timeout=0.2)
    return future.result()


def _swap(
    job: _Request,
    source: Picture | bytes | str,
    client: SegmindClient,
    arguments: Namespace,
    stop: threading.Event,
    marker: Marker | None,
) -> TargetReport:
    result = client.swap(
        source,
        _picture(job.target),
        job.settings,
        **{name: getattr(arguments, name) for name in CALLS if name != "concurrency"},
        cancelled=stop.is_set,
    )
    try:
        given = None if is_web_url(job.target) else read_metadata(job.target)
        marked = marked_hosted(marker, result.data, given, job.output.name, given and Path(job.target))
        lost = _write(job.output, result, arguments.image_quality, marked)
        notes = (*(given.notes if given else ()), *result.report, *lost)
    except (ImageError, MemoryError) as error:
        raise ImageError(f"{console.message(error, job.output)}. {client.undelivered(result)}") from error
    client.delivered(result)
    details = {
        "request_id": result.request_id,
        "inference_seconds": result.inference_seconds,
        "credits": result.credits,
        "marks": marked.names,
    }
    done = TargetReport(
        job.target, str(job.output), details=details, notes=notes, summary=with_marks("swapped", marked.names)
    )
    console.done(done)
    return done


def _write(output: Path, result: SegmindResult, image_quality: int, marked: MarkedPicture) -> tuple[str, ...]:
    """The file as it came, but for its marks, where its format is the one wanted."""
    wanted = picture_format(output)
    if result.image_format != wanted:
        metadata = Metadata(xmp=marked.metadata.xmp)
        lost = write_picture(
            output, result.picture, image_quality=image_quality, metadata=metadata, finish=marked.finish
        )
        return (*lost, *marked.notes)
    data, lost = described(result.data, wanted, marked.metadata.xmp)
    write_file(output, marked.finish(data, wanted) if marked.finish else data)
    return (*lost, *marked.notes)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _add_setting(parser: ArgumentParser, option: str, setting: SegmindSetting) -> None:
    text = setting.text[0].lower() + setting.text[1:]
    if setting.kind == "choice":
        add_choice(parser, option, setting.choices, str(setting.default), text)
    elif setting.kind == "boolean":
        parser.add_argument(option, action="store_true", help=text)
    elif setting.kind == "indexes":
        parser.add_argument(option, default=setting.default, metavar="LIST", help=f"{text} (default: %(default)s)")
    else:
        add_number(
            parser, option, setting.low, setting.high, float(setting.default), text, whole=setting.kind == "integer"
        )
