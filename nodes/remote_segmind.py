"""RemoteSegmindSwap: the same swap at Segmind's hosted API, paid for with the artist's own key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import folder_paths
import numpy as np
from comfy_api.latest import io

from ..hosted.segmind.settings import CALLS, SETTINGS, SegmindSetting, SegmindSettings
from ..media.environment import variables
from ..pipeline.errors import CancelledError, MismatchError
from ..pipeline.types import FloatArray, Picture, Size
from ..pipeline.validation import require_pictures
from .bridge import frames_of, image_like
from .host import progress
from .schema import advanced, made, schema
from .telling import shown

if TYPE_CHECKING:
    import torch

    from ..hosted.segmind.client import SegmindClient
    from ..hosted.segmind.job import SegmindResult

_FOLDED: Final = frozenset({"image_format", "image_quality", "base64", *CALLS} - {"run_again"})
_KINDS: Final[dict[str, type]] = {
    "choice": io.Combo.Input,
    "boolean": io.Boolean.Input,
    "indexes": io.String.Input,
    "integer": io.Int.Input,
    "number": io.Float.Input,
}


class RemoteSegmindSwap(io.ComfyNode):
    """See the schema's description."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="MFS_RemoteSegmindSwap",
            display_name="Swap Faces (Segmind)",
            description=(
                "Swaps faces at Segmind's hosted API, with the same settings. The pictures leave this machine, and "
                "each target picture is charged to your account. Needs an API key in SEGMIND_API_KEY or in "
                "segmind_api_key.txt; see the help."
            ),
            search_aliases=["segmind", "face swap api", "remote face swap", "cloud face swap", "multi face swap"],
            inputs=[
                io.Image.Input("source_image", tooltip="The one picture that gives the faces."),
                io.Image.Input("target_image", tooltip="The pictures to change; each one is a paid call."),
                *(_input(name, setting) for name, setting in SETTINGS.items()),
                *(_input(name, setting, optional=True) for name, setting in CALLS.items()),
                _url("source_url", "Where the source picture is on the web: used instead of source_image."),
                _url("target_url", "Where the target picture is on the web: used instead of target_image."),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The target pictures with the faces swapped."),
                io.String.Output(
                    "report", tooltip="Request ids, seconds, credits, and what differs from what was asked for."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        source_image: torch.Tensor,
        target_image: torch.Tensor,
        source_url: str = "",
        target_url: str = "",
        **given: Any,
    ) -> io.NodeOutput:
        chosen = SegmindSettings(**{name: value for name, value in given.items() if name in SETTINGS})
        calls = {name: given.get(name, setting.default) for name, setting in CALLS.items()}
        frames = _checked(target_image, "target_image")
        source = source_url.strip() or _one(_checked(source_image, "source_image"))
        targets = _targets(frames, target_url.strip())
        with _client() as client:
            results = _swapped(client, source, targets, chosen, calls)
            image = image_like(_pictures(results, frames), target_image)
            for result in results:
                client.delivered(result)
        report = "\n".join(_report(results))
        return io.NodeOutput(image, report, ui=shown(report))


def _input(name: str, setting: SegmindSetting, *, optional: bool = False) -> io.Input:
    """A setting under its own name, with its own range and default; what isn't sent may be missing in a workflow."""
    texts: dict[str, object] = {"default": setting.default, "tooltip": f"{setting.text}.", "optional": optional}
    kind = _KINDS[setting.kind]
    if setting.kind == "choice":
        texts["options"] = list(setting.choices)
    elif setting.kind in ("integer", "number"):
        whole = int if setting.kind == "integer" else float
        texts |= {"min": whole(setting.low), "max": whole(setting.high), "step": whole(setting.step)}
    return advanced(kind, name, **{**texts, "optional": True}) if name in _FOLDED else made(kind, {"id": name, **texts})


def _url(name: str, text: str) -> io.Input:
    return advanced(io.String.Input, name, default="", tooltip=text)


def _checked(image: torch.Tensor, name: str) -> list[FloatArray]:
    """The pictures, looked at before anything is sent or paid."""
    frames = frames_of(image, name)
    if not frames:
        raise MismatchError(f"{name}: expected a picture, got an empty batch")
    require_pictures(frames, name)
    return frames


def _one(pictures: Sequence[Picture]) -> Picture:
    if len(pictures) != 1:
        raise MismatchError(f"source_image: the hosted API takes one source picture, got {len(pictures)}")
    return pictures[0]


def _targets(frames: Sequence[Picture], url: str) -> Sequence[Picture | str]:
    if url and len(frames) != 1:
        raise MismatchError(f"target_url: replaces one target picture, got {len(frames)} in target_image")
    return [url] if url else list(frames)


def _client() -> SegmindClient:
    """With ComfyUI's own folder for secrets, which it never serves; MULTIFACESWAP_STATE comes first for the journal."""
    from ..hosted.segmind.client import JOURNAL_FOLDER, SegmindClient
    from ..hosted.segmind.key import STATE_VARIABLE, USER_FOLDER, state_folder

    user = Path(folder_paths.get_system_user_directory(USER_FOLDER))
    state = state_folder() if variables().get(STATE_VARIABLE) else user
    return SegmindClient.from_environment([user, state_folder()], state / JOURNAL_FOLDER)


def _swapped(
    client: SegmindClient,
    source: Picture | str,
    targets: Sequence[Picture | str],
    settings: SegmindSettings,
    calls: dict[str, Any],
) -> list[SegmindResult]:
    """The results in order. Cancel ends the wait within a moment, as ComfyUI's own interruption."""
    import comfy.model_management as management

    from ..hosted.segmind.batch import swap_all

    try:
        return swap_all(
            client,
            source,
            targets,
            settings,
            cancelled=management.processing_interrupted,
            progress=progress(),
            **calls,
        )
    except CancelledError:
        management.throw_exception_if_processing_interrupted()
        raise


def _pictures(results: Sequence[SegmindResult], frames: Sequence[Picture]) -> FloatArray:
    """(B, H, W, C) float32 in [0, 1], with the targets' alpha where they have one. A batch holds one size only."""
    sizes = {result.size for result in results}
    if len(sizes) > 1:
        listed = ", ".join(map(str, sorted(sizes)))
        raise MismatchError(
            f"the API sent pictures of several sizes ({listed}), which one batch can't hold. They are kept for an "
            "hour: one target at a time, with the same settings, nothing is paid again"
        )
    colours = np.stack([np.divide(result.picture[..., :3], 255, dtype=np.float32) for result in results])
    if frames[0].shape[2] == 4 and sizes == {Size.of(frames[0])}:
        return np.concatenate([colours, np.stack(frames)[..., 3:]], axis=3, dtype=np.float32)
    return colours


def _report(results: Sequence[SegmindResult]) -> list[str]:
    """The lines of all pictures, numbered where there are several."""
    several = len(results) > 1
    return [f"frame {n}: {line}" if several else line for n, result in enumerate(results) for line in result.report]
