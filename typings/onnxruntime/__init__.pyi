"""The types of what the pack uses of onnxruntime, which has none of its own."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

class ExecutionMode:
    ORT_SEQUENTIAL: ExecutionMode

class SessionOptions:
    intra_op_num_threads: int
    log_severity_level: int
    enable_mem_pattern: bool
    execution_mode: ExecutionMode
    def add_session_config_entry(self, key: str, value: str, /) -> None: ...

class NodeArg:
    name: str
    type: str
    shape: list[int | str | None]

class InferenceSession:
    def __init__(
        self,
        path_or_bytes: str,
        sess_options: SessionOptions,
        providers: Sequence[tuple[str, Mapping[str, str]]],
        *,
        enable_fallback: int,
    ) -> None: ...
    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[np.generic]]
    ) -> list[NDArray[np.floating]]: ...
    def get_inputs(self) -> list[NodeArg]: ...
    def get_outputs(self) -> list[NodeArg]: ...
    def get_providers(self) -> list[str]: ...

def get_available_providers() -> list[str]: ...
def preload_dlls() -> None: ...
