"""A session: the models and donors that its work shares, and every step of a swap put together in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BufferedIOBase
from typing import TYPE_CHECKING

from ..models.pool import ModelPool
from ..models.runtime.registry import MemoryHook
from ..models.store import Folders, ModelFolders
from ..pipeline.compose.restore import restore_batch, untouched
from ..pipeline.compose.swap import swap_batch
from ..pipeline.compose.swap_restore import SwapExpression, SwapRestore, SwapStage
from ..pipeline.faces import ordering, pairing
from ..pipeline.faces.detect import detect_batch, locate_batch
from ..pipeline.faces.landmarks import Refiner
from ..pipeline.faces.ordering import Ordered
from ..pipeline.protocols import Attributes, Parser, Swapper
from ..pipeline.transparency import extended, greyed
from ..pipeline.types import FaceSet, FloatArray, IndexMap, Notice, Picture, Progress, SwapResult
from ..pipeline.validation import require_boxes, require_faces, require_map, require_pictures
from . import told
from .donors import DonorCache
from .effects import Case
from .engine_needs import require_usable
from .hints import hint_lines, hints, outside, remarks
from .limits import limits_in_range
from .plan import Plan
from .recognise import match_faces
from .report import model_lines
from .settings import SETTINGS, Scope, Value, licence_of

if TYPE_CHECKING:
    from ..marking.certificates import Credentials
    from ..marking.places import Signing
    from ..marking.statement import Statement
    from ..media.clips import Clip, ClipResult, OnFrame
    from ..pipeline.compose.face_crops import CropResult, FaceCrops
    from .faces.keeping import SavedFace
    from .faces.person import About
    from .marks import Marker
    from .pictures import Donors, PictureResult


class Session:
    """Keeps models open and donors prepared from one piece of work to the next. Threads may share one.

    Settings are given by their names in the table of `app.settings`; any other name or value raises SettingsError, and
    None stands for the default. Pictures are sequences of (H, W, C) arrays, C = 1, 3 (RGB) or 4 (RGBA), of uint8,
    uint16 or float in [0, 1]; a batch (B, H, W, C) is such a sequence. What is wholly transparent counts as outside of
    the picture: no face is found there, and none is taken from there. All models of a piece of work are looked for
    before it starts: MissingModelError names every file that is missing.
    """

    def __init__(
        self,
        folders: ModelFolders | Folders = None,
        device: str | None = None,
        *,
        licence: str | None = None,
        memory_hook: MemoryHook | None = None,
        built_in: str | None = None,
        signing: Signing | None = None,
    ) -> None:
        """`folders`, one or several, replace the search path for model files; `device`: `cpu`, `cuda`, `cuda:1`,
        `tensorrt`, `rocm`, `migraphx`, `coreml`, `directml` or `auto`, the default; SettingsError for others.
        `licence` `permissive` refuses models whose stated licences don't allow commercial use, as the environment
        variable MULTIFACESWAP_LICENCE does. `memory_hook` and `built_in`: see `models.pool.ModelPool`. `signing` names
        the files that sign results; without it they are those of the user's own folder, if there are any."""
        device = str(SETTINGS["session"]["device"].check(device))
        self.models = ModelPool(
            Folders.of(folders), device, memory_hook, built_in=built_in, licence=licence_of(licence)
        )
        self.prepared = DonorCache()
        self._signing = signing
        self._credentials: tuple[Credentials | None, ...] = ()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all models and donors and free their memory. Work that comes later opens them again."""
        self.prepared.clear()
        self.models.close()

    def plan(self, scope: Scope, settings: Mapping[str, object], case: Case | None = None) -> Plan:
        """What the settings come to; all its models are there. Nothing is opened.

        Raises SettingsError, MissingModelError and MissingPackageError.
        """
        plan = Plan.of(scope, settings, case)
        self.models.require((choice.kind, choice.name) for choice in plan.models())
        return plan

    def detect(self, pictures: Sequence[Picture], *, progress: Progress | None = None, **settings: object) -> FaceSet:
        """Find all faces of a batch of pictures, numbered as found. `progress` is called once a picture."""
        require_pictures(pictures, "pictures")
        plan = self.plan("detect", settings)
        detector = self.models.detector(plan.detector.name, **plan.detector.options)
        shown = greyed(pictures)
        faces = detect_batch(
            shown,
            detector,
            refiner=self.refiner(plan),
            mesher=self.models.mesher() if plan.analyses else None,
            attributes=self.attributes(plan),
            embedder=self.models.embedder() if plan.values["identity"] else None,
            progress=progress,
        )
        return replace(faces, notes=hints(self.models, shown, faces, plan), remarks=remarks(faces, plan))

    def locate(
        self,
        pictures: Sequence[Picture],
        boxes: Sequence[Sequence[FloatArray]],
        *,
        progress: Progress | None = None,
        **settings: object,
    ) -> FaceSet:
        """Measure the faces in boxes (4,) left, top, right, bottom that are known already, a list of them a picture.

        The built-in detector does it; a box in which it sees no face is left out, and one that lies outside
        of its picture is noted. Settings as of `detect`; what boxes
        may be is in `pipeline.validation.require_boxes`.
        """
        require_pictures(pictures, "pictures")
        require_boxes(boxes, len(pictures), "boxes")
        plan = self.plan("detect", settings, Case(boxes=True))
        found = locate_batch(
            greyed(pictures),
            boxes,
            self.models.locator(plan.locator.name, **plan.locator.options),
            refiner=self.refiner(plan),
            mesher=self.models.mesher() if plan.analyses else None,
            attributes=self.attributes(plan),
            embedder=self.models.embedder() if plan.values["identity"] else None,
            progress=progress,
        )
        return replace(found, notes=(*found.notes, *outside(pictures, boxes)), remarks=remarks(found, plan))

    def order(self, faces: FaceSet, **settings: object) -> FaceSet:
        """Filter by gender and age, sort and number the faces of each picture, from 0."""
        return self.order_and_rest(faces, **settings).faces

    def order_and_rest(self, faces: FaceSet, **settings: object) -> Ordered:
        """As `order`, with the faces that were left out."""
        require_faces(faces, "faces")
        values = self.plan("order", settings).values
        order, gender, ages = (str(values[name]) for name in ("detection_face_order", "detect_gender", "detect_age"))
        return ordering.order_faces(faces, order, gender, int(values["limit"]), ages)

    def merge(self, faces: FaceSet, pictures: Sequence[Picture] | None = None, **settings: object) -> FaceSet:
        """One donor of all faces that show the person who is in most pictures: see `pipeline.faces.people.merge`.

        Faces of other people are left out, and named in the notes. Identities that the faces lack are measured in
        `pictures`, theirs; without either, all faces are taken for one person. Settings as of `map` that tell people
        apart.
        """
        from .merging import merge_faces

        require_faces(faces, "faces")
        return merge_faces(self.models, self.plan("merge", settings), faces, pictures)

    def save_face(
        self,
        name: str,
        faces: FaceSet,
        pictures: Sequence[Picture],
        *,
        embeddings_only: bool = False,
        consent: str = "",
        overwrite: bool = False,
    ) -> About:
        """Save the one donor of `faces`, found in `pictures`, which are in sRGB, under a name: see `app.faces`.

        The file holds a cut of every view, unless `embeddings_only`, its identities by every embedder that is
        installed, and a note of `consent`, one line; without one, the notes that the faces carry. Raises SettingsError
        for a name that can't be or is taken, and for several donors, FaceNotFoundError for none, MismatchError,
        OSError.
        """
        from .faces.keeping import save_face

        require_faces(faces, "faces")
        return save_face(
            self.models, name, faces, pictures, embeddings_only=embeddings_only, consent=consent, overwrite=overwrite
        )

    def load_face(self, name: str | os.PathLike[str]) -> SavedFace:
        """A saved face by its name, ReActor's too, or by its file, which ends in .safetensors, as pictures and faces.

        Raises SettingsError where there is none of that name, ImageError for a file that isn't one, OSError.
        """
        from .faces.keeping import load_face

        return load_face(self.models.folders, name)

    def map(
        self,
        target_faces: FaceSet,
        source_faces: FaceSet,
        input_faces_index: str | None = None,
        source_faces_index: str | None = None,
        **settings: object,
    ) -> IndexMap:
        """Decide who becomes whom by number: see `pipeline.faces.pairing.map_indexes`."""
        lists = {"input_faces_index": input_faces_index, "source_faces_index": source_faces_index}
        plan = self.plan("map", {**lists, **settings})
        require_faces(target_faces, "target_faces")
        require_faces(source_faces, "source_faces")
        made = pairing.map_indexes(target_faces, source_faces, *plan.lists)
        told = hint_lines(target_faces, source_faces) if made.report else ()
        return replace(made, report=(*made.report, *told, *plan.notes))

    def match(
        self,
        target_faces: FaceSet,
        source_faces: FaceSet,
        reference_faces: FaceSet,
        input_faces_index: str | None = None,
        source_faces_index: str | None = None,
        *,
        targets: Sequence[Picture] | None = None,
        references: Sequence[Picture] | None = None,
        **settings: object,
    ) -> IndexMap:
        """Decide who becomes whom by looks: target faces that look like a reference face take that reference's source.

        The lists pair reference faces with source faces: see `pipeline.faces.matching.match_identities`. Faces without
        an identity of the embedder's get one if their pictures, `targets` and `references`, are given.
        """
        lists = {"input_faces_index": input_faces_index, "source_faces_index": source_faces_index}
        plan = self.plan("map", {**lists, **settings}, Case(references=True))
        given = {"target_faces": target_faces, "source_faces": source_faces, "reference_faces": reference_faces}
        for name, faces in given.items():
            require_faces(faces, name)
        return match_faces(self.models, plan, target_faces, source_faces, reference_faces, targets, references)

    def swap(
        self,
        targets: Sequence[Picture],
        sources: Sequence[Picture],
        index_map: IndexMap,
        *,
        mask: Sequence[FloatArray] | None = None,
        progress: Progress | None = None,
        **settings: object,
    ) -> SwapResult:
        """Swap exactly the pairs of `index_map`; targets and sources are the pictures it was made from.

        `mask` (H, W) in [0, 1] a target limits where pixels may change; what lies beyond that is cut off, and the
        report says so. `progress` is called once a face. Images come
        back in the shapes and dtypes of `targets`.
        """
        require_pictures(targets, "targets")
        require_pictures(sources, "sources")
        require_map(index_map, "index_map")
        limits = limits_in_range(mask, targets, "mask")
        sources = extended(sources)
        merged = any(pair.source.views for pairs in index_map.frames for pair in pairs)
        plan = self.plan("swap", settings, Case(merged=merged))
        donors = {id(pair.source): pair.source for pairs in index_map.frames for pair in pairs}
        require_usable(donors.values(), str(plan.values["swap_model"]), lambda face: f"source {face.index}")
        swapper = self.swapper(plan)
        if swapper.needs_mesh:
            index_map = self.prepared.with_meshes(index_map, targets, sources, self.models.mesher())
        result = swap_batch(
            targets,
            sources,
            index_map,
            swapper,
            plan.swap,
            donor_of=self.prepared.of(sources, swapper),
            limits=limits.masks,
            parsers=self.parsers(plan),
            stages=self.stages(plan),
            mesher=self.models.mesher(),
            progress=progress,
        )
        lines = (*told.of_consent(donors.values()), *plan.notes, *self.swap_lines(plan, index_map.count))
        return replace(result, report=(*result.report, *limits.notes, *lines))

    def restore(
        self,
        images: Sequence[Picture],
        faces: FaceSet | None = None,
        *,
        progress: Progress | None = None,
        **settings: object,
    ) -> SwapResult:
        """Restore the faces of a batch of pictures: exactly those of `faces`, or all that are found.

        `progress` is called once a face. Images come back in the shapes and dtypes of `images`.
        """
        require_pictures(images, "images")
        if faces is not None:
            require_faces(faces, "faces")
        plan = self.plan("restore", settings, Case(faces=faces is not None))
        if plan.restorer is None:
            return replace(untouched(images), report=plan.notes)
        restorer = self.models.restorer(plan.restorer.name)
        found = self.detect(images, **plan.values_of("detect")) if faces is None else faces
        result = restore_batch(
            images,
            found,
            restorer,
            plan.restore,
            parser=next(iter(self.parsers(plan)), None),
            mesher=self.models.mesher(),
            progress=progress,
        )
        told = (*found.notes, *(found.remarks if faces is None else ()), *plan.notes)
        return replace(result, report=(*result.report, *told, *self.model_lines(plan)))

    def crop(
        self,
        pictures: Sequence[Picture],
        faces: FaceSet,
        *,
        mask: Sequence[FloatArray] | None = None,
        progress: Progress | None = None,
        **settings: object,
    ) -> CropResult:
        """Cut out all these faces as squares, with a soft mask of each face, for other tools to edit.

        What lies beyond a picture continues its edge. `mask` (H, W) in [0, 1] a picture limits where pixels may change,
        in the crops' masks and when they are pasted. `progress` is called once a face.
        """
        from .cropping import crop_faces

        return crop_faces(self, pictures, faces, mask, progress, settings)

    def paste(
        self,
        pictures: Sequence[Picture],
        edited: Sequence[Picture],
        crops: FaceCrops,
        *,
        mask: Sequence[FloatArray] | None = None,
        progress: Progress | None = None,
        **settings: object,
    ) -> SwapResult:
        """Put edited crops, of any size, back into the pictures that they were cut from.

        `crops` is that of `crop`'s result. `mask` in [0, 1], of a crop's proportions, one a crop, says how much of it
        is pasted, by default the face's mask. Where a crop of the size that was cut is as it was, every bit stays.
        `progress` is called once a face. Images come back in the shapes and dtypes of `pictures`.
        """
        from .cropping import paste_faces

        return paste_faces(self, pictures, edited, crops, mask, progress, settings)

    def swap_picture(
        self,
        target: Picture,
        donors: Donors,
        *,
        mask: FloatArray | None = None,
        progress: Progress | None = None,
        **settings: object,
    ) -> PictureResult:
        """All steps of a swap of one picture: detect, order, map or match, swap.

        The settings act on the target; those of `donors` acted when its faces were found.
        """
        from .pictures import swap_picture

        return swap_picture(self, target, donors, mask, progress, settings)

    def donors(
        self,
        sources: Sequence[Picture],
        references: Sequence[Picture] = (),
        people: Mapping[str, Sequence[Picture]] | None = None,
        **settings: object,
    ) -> Donors:
        """The faces of source pictures and of pictures of people to recognise, found and numbered once for all targets.

        Every face of `sources` is a donor; whoever is in most pictures of one of `people`, which are by their names, is
        one donor, as by `merge`, and has a number behind those of `sources`. Settings as of `swap_picture`.
        """
        from .people import by_name, require_named, singly
        from .pictures import find_donors

        named: Mapping[str, Sequence[Picture]] = {} if people is None else people
        require_named(named, "people")
        for what, pictures in (("sources", sources), ("references", references), *named.items()):
            require_pictures(pictures, what)
        known = [singly(references)] if len(references) else []
        return find_donors(self, [singly(sources), *by_name(named)], known, settings)

    def swap_clip(
        self,
        target: str | os.PathLike[str] | BufferedIOBase | Clip,
        output: str | os.PathLike[str],
        sources: Sequence[Picture],
        source_faces: FaceSet | None = None,
        *,
        references: Sequence[Picture] | None = None,
        reference_faces: FaceSet | None = None,
        progress: Progress | None = None,
        notice: Notice | None = None,
        on_frame: OnFrame | None = None,
        **settings: object,
    ) -> ClipResult:
        """Swap the faces of a clip into the file `output`: see `app.clips.swap_clip`.

        `source_faces` are the faces of `sources`, and `reference_faces` those of `references`, pictures of people to
        recognise; faces that aren't given are found. Reference faces that carry identities need no pictures. `on_frame`
        is called after every frame with what it shows: see `media.clips.previews.FrameDone`.
        """
        from .clips import ClipSources, swap_clip

        require_pictures(sources, "sources")
        for name, faces in {"source_faces": source_faces, "reference_faces": reference_faces}.items():
            if faces is not None:
                require_faces(faces, name)
        given = ClipSources(extended(sources), source_faces, references, reference_faces)
        return swap_clip(self, target, output, given, progress, notice, on_frame, settings)

    def swapper(self, plan: Plan) -> Swapper:
        """The plan's engine, open."""
        return self.models.swapper(plan.swapper.name, **plan.swapper.options)

    def attributes(self, plan: Plan) -> Attributes | None:
        """What guesses genders and ages, where the plan wants them."""
        return None if plan.attributes is None else self.models.attributes(plan.attributes.name)

    def refiner(self, plan: Plan) -> Refiner | None:
        """What measures landmarks anew, where the plan wants it."""
        chosen = plan.landmarker
        return None if chosen is None else Refiner(self.models.landmarker(chosen.name), self.models.mesher())

    def parsers(self, plan: Plan) -> tuple[Parser, ...]:
        """What keeps hair, hands and other things in front of a face, where the plan wants it."""
        return tuple(self.models.parser(choice.name) for choice in plan.parsers)

    def stages(self, plan: Plan) -> tuple[SwapStage, ...]:
        """What changes swapped faces before they are pasted: expression first, then restoration."""
        made: list[SwapStage] = []
        if plan.expression is not None:
            expresser = self.models.expresser(plan.expression.name)
            made.append(SwapExpression(expresser, float(plan.values["expression"]), plan.swap.interpolation))
        if plan.restorer is not None:
            made.append(SwapRestore(self.models.restorer(plan.restorer.name), plan.restore))
        return tuple(made)

    def marker(self, statement: Statement, settings: Mapping[str, Value]) -> Marker | None:
        """What marks results that `statement` is true of, where the settings want them marked. Raises as below."""
        from .marks import Marker

        return Marker(statement, self.credentials(settings)) if settings["mark"] else None

    def credentials(self, settings: Mapping[str, Value]) -> Credentials | None:
        """What signs results, read once; None where nothing is set up or the settings want no marks.

        Raises SettingsError where something is set up and can't sign, and MissingPackageError.
        """
        from ..marking.places import Signing

        if not settings["mark"]:
            return None
        if not self._credentials:
            self._credentials = ((self._signing or Signing()).credentials(),)
        return self._credentials[0]

    def told(self, plan: Plan, *people: FaceSet) -> list[str]:
        """For a report even where all went well: the models of the work, and their licences; as `ran`."""
        return list(map(str, self.ran(plan, *people)))

    def ran(self, plan: Plan, *people: FaceSet) -> list[told.Ran]:
        """Every model of the plan's work. `people`: reference faces, whose identities may choose the embedder."""
        return told.of_models(self.models, plan, people)

    def model_lines(self, plan: Plan) -> list[str]:
        """For the report: which model files aren't the published ones, and what each model ran on."""
        return model_lines(self.models, list(plan.models()))

    def swap_lines(self, plan: Plan, swapped: int) -> list[str]:
        """As `model_lines`, and that so many faces carry the watermark, where they do."""
        marked = ["watermark: swapped faces carry it"] if swapped and plan.values.get("watermark") else []
        return [*self.model_lines(plan), *marked]
