"""The device, Cancel, and the list of loaded models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import ref

import torch

current_loaded_models: list[LoadedModel] = []
_interrupted: list[bool] = []


class InterruptProcessingException(BaseException):
    pass


def interrupt_current_processing(value: bool = True) -> None:
    _interrupted[:] = [True] if value else []


def processing_interrupted() -> bool:
    return bool(_interrupted)


def throw_exception_if_processing_interrupted() -> None:
    if _interrupted:
        _interrupted.clear()
        raise InterruptProcessingException


def get_torch_device() -> torch.device:
    return torch.device("cpu")


def intermediate_device() -> torch.device:
    return torch.device("cpu")


class LoadedModel:
    def __init__(self, model: Any) -> None:
        self._model = ref(model)
        self.device = model.load_device

    @property
    def model(self) -> Any:
        return self._model()


def load_models_gpu(models: Sequence[Any], memory_required: float = 0) -> None:
    for device in {model.load_device for model in models if model.load_device.type != "cpu"}:
        free_memory(memory_required + sum(model.size for model in models), device)
    for model in models:
        for loaded in [loaded for loaded in current_loaded_models if loaded.model is model]:
            current_loaded_models.remove(loaded)
            loaded.model.detach(unpatch_all=False)
        model.partially_load(model.load_device, 1e32)
        current_loaded_models.insert(0, LoadedModel(model))


def get_free_memory(device: torch.device) -> float:
    return 64e9


def free_memory(
    memory_required: float, device: torch.device, keep_loaded: Sequence[LoadedModel] = ()
) -> list[LoadedModel]:
    if memory_required <= get_free_memory(device):
        return []
    gone = [loaded for loaded in current_loaded_models if loaded.device == device and loaded not in keep_loaded]
    for loaded in gone:
        current_loaded_models.remove(loaded)
        if loaded.model is not None:
            loaded.model.detach()
    return gone


def unload_all_models() -> None:
    free_memory(1e30, get_torch_device())
