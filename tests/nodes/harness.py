"""Runs this pack's nodes as ComfyUI would: in a real checkout that COMFYUI_PATH names, or in the stand-in beside it.

Both load the pack from its folder, check prompts, and execute them; the tests above see no difference.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STANDIN = Path(__file__).resolve().parent / "standin"
PATH = os.environ.get("COMFYUI_PATH", "")
Link = list[Any]


class _Any(str):
    """A socket type that fits all."""

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


ANY = _Any("*")
_given: dict[str, Any] = {}
_taken: dict[str, list[Any]] = {}
_numbers = itertools.count()


class Give:
    """A value that the test put there."""

    RETURN_TYPES = (ANY,)
    FUNCTION = "give"
    CATEGORY = "test"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"key": ("STRING", {})}}

    def give(self, key):
        return (_given[key],)


class GiveList(Give):
    """Several values, one after the other."""

    OUTPUT_IS_LIST = (True,)


class Take:
    """Where a value arrives that the test looks at."""

    RETURN_TYPES = ()
    FUNCTION = "take"
    CATEGORY = "test"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"key": ("STRING", {}), "value": (ANY, {})}}

    def take(self, key, value):
        _taken.setdefault(key, []).append(value)
        return ()


TEST_NODES = {"Test_Give": Give, "Test_GiveList": GiveList, "Test_Take": Take}


@dataclass
class Graph:
    """A prompt in the making."""

    prompt: dict[str, Any] = field(default_factory=dict)

    def add(self, class_type: str, **inputs: Any) -> str:
        node_id = str(len(self.prompt) + 1)
        self.prompt[node_id] = {"class_type": class_type, "inputs": inputs}
        return node_id

    def give(self, value: Any, *, as_list: bool = False) -> Link:
        key = f"given {next(_numbers)}"
        _given[key] = value
        return [self.add("Test_GiveList" if as_list else "Test_Give", key=key), 0]


@dataclass(frozen=True)
class Run:
    """What became of a prompt."""

    values: dict[str, list[Any]]
    """What arrived, by the names in `take`: one value a call of the node."""
    error: dict[str, Any] | None
    interrupted: bool
    cached: set[str]
    ui: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        (value,) = self.values[name]
        return value


class Comfy:
    """One host for all tests."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.pack = backend.pack
        self.nodes: dict[str, Any] = backend.nodes

    def module(self, name: str) -> Any:
        """A module of the pack as the host loaded it."""
        return importlib.import_module(f".{name}", self.pack.__name__)

    def schemas(self) -> dict[str, Any]:
        return {node_id: node_class.GET_SCHEMA() for node_id, node_class in self.nodes.items()}

    def errors(self, graph: Graph) -> list[tuple[str, str]]:
        """What the host has against the prompt before it runs: (type, details)."""
        last = list(graph.prompt)[-1]
        graph.add("Test_Take", key="", value=[last, 0])
        return self.backend.validate(graph.prompt)

    def run(self, graph: Graph, **take: Link) -> Run:
        """Run the prompt for the outputs named in `take`; raises AssertionError where the host refuses it."""
        run = f"run {next(_numbers)}"
        prompt = dict(graph.prompt)
        for name, link in take.items():
            prompt[f"take {name}"] = {"class_type": "Test_Take", "inputs": {"key": f"{run} {name}", "value": link}}
        refused = self.backend.validate(prompt)
        assert refused == [], refused
        messages, ui = self.backend.execute(prompt, [f"take {name}" for name in take])
        events = dict(messages)
        return Run(
            {name: _taken.pop(f"{run} {name}", []) for name in take},
            events.get("execution_error"),
            "execution_interrupted" in events,
            set(events["execution_cached"]["nodes"]),
            ui,
        )

    def value(self, graph: Graph, link: Link) -> Any:
        """The value of one output; raises AssertionError where the run fails."""
        run = self.run(graph, value=link)
        assert run.error is None, run.error
        return run["value"]


def open_host(folder: Path) -> Comfy:
    """The real ComfyUI where COMFYUI_PATH names a checkout, else the stand-in. `folder` takes what it writes."""
    return Comfy(_Real(Path(PATH), folder) if PATH else _Standin())


def _prepare_folders() -> None:
    """What `extra_model_paths.yaml` does before packs are loaded."""
    import folder_paths

    folder_paths.add_model_folder_path("insightface", "/elsewhere/insightface")
    folder_paths.folder_names_and_paths["facexlib"] = (["/shared/facexlib"], folder_paths.supported_pt_extensions)


class _Standin:
    def __init__(self) -> None:
        sys.path.insert(0, str(STANDIN))
        import execution
        from core_nodes import CORE

        _prepare_folders()
        self._execution, self._executor = execution, execution.PromptExecutor()
        self.pack = self._load()
        extension = asyncio.run(self.pack.comfy_entrypoint())
        classes = asyncio.run(extension.get_node_list())
        self.nodes = {node_class.GET_SCHEMA().node_id: node_class for node_class in classes}
        execution.NODES.update(CORE, **TEST_NODES, **self.nodes)

    def _load(self) -> Any:
        name = str(ROOT).replace(".", "_x_")
        spec = importlib.util.spec_from_file_location(
            name, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
        )
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def validate(self, prompt: dict[str, Any]) -> list[tuple[str, str]]:
        return [error for errors in self._execution.validate(prompt).values() for error in errors]

    def execute(self, prompt: dict[str, Any], wanted: list[str]) -> tuple[list[Any], dict[str, Any]]:
        self._executor.execute(prompt, wanted)
        return self._executor.status_messages, self._executor.ui


class _Server:
    """What the executor tells its progress to."""

    client_id = None
    last_node_id = None
    last_prompt_id = None

    def send_sync(self, event: str, data: Any, client_id: str | None) -> None:
        """Nobody listens."""


class _Real:
    def __init__(self, path: Path, folder: Path) -> None:
        sys.path.insert(0, str(path))
        sys.argv = ["main.py", "--cpu", "--base-directory", str(folder)]
        import comfy.options

        comfy.options.enable_args_parsing()
        import execution

        import nodes

        assert Path(nodes.__file__).parent == path, nodes.__file__
        _prepare_folders()
        known = set(nodes.NODE_CLASS_MAPPINGS)
        assert asyncio.run(nodes.load_custom_node(str(ROOT))), "ComfyUI couldn't load the pack: see its log"
        self.nodes = {name: made for name, made in nodes.NODE_CLASS_MAPPINGS.items() if name not in known}
        self.pack = sys.modules[str(ROOT).replace(".", "_x_")]
        nodes.NODE_CLASS_MAPPINGS.update(TEST_NODES)
        for extra in ("nodes_latent", "nodes_video", "nodes_post_processing", "nodes_preview_any"):
            file = path / "comfy_extras" / f"{extra}.py"
            assert asyncio.run(nodes.load_custom_node(str(file), module_parent="comfy_extras")), file
        self._execution = execution
        self._executor = execution.PromptExecutor(
            _Server(), cache_type=execution.CacheType.CLASSIC, cache_args={"ram": 0, "ram_inactive": 0, "lru": 0}
        )

    def validate(self, prompt: dict[str, Any]) -> list[tuple[str, str]]:
        _, error, _, nodes = asyncio.run(self._execution.validate_prompt("prompt", prompt, None))
        found = [(one["type"], one["details"]) for node in nodes.values() for one in node["errors"]]
        return found or ([(error["type"], error["message"])] if error else [])

    def execute(self, prompt: dict[str, Any], wanted: list[str]) -> tuple[list[Any], dict[str, Any]]:
        self._executor.execute(prompt, f"prompt {next(_numbers)}", {}, wanted)
        outputs = self._executor.history_result["outputs"]
        return self._executor.status_messages, outputs
