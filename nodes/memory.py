"""Networks in ComfyUI's list of loaded models: it makes room for them, and closes them when it needs the room."""

from __future__ import annotations

from threading import Lock
from weakref import WeakKeyDictionary, ref

import comfy.model_management as management
import torch
from comfy.model_patcher import ModelPatcher

from ..models.runtime.memory_hook import Network

Device = torch.device | None


class FaceNetwork(torch.nn.Module):
    """Stands for the network, empty; ComfyUI's log calls it by this name."""


class NetworkPatcher(ModelPatcher):
    """What ComfyUI sees of a network that holds its weights by itself: a size, and a way to close it."""

    def __init__(self, network: Network, device: torch.device) -> None:
        super().__init__(FaceNetwork(), device, torch.device("cpu"), size=max(network.size_bytes, 1))
        self._network = ref(network)

    def loaded_size(self) -> int:
        network = self._network()
        return self.size if network is not None and network.is_open else 0

    def model_dtype(self) -> torch.dtype:
        return torch.float32

    def partially_load(self, device_to: Device, extra_memory: float = 0, force_patch_weights: bool = False) -> int:
        """Nothing to do: the network opens itself right after room was made."""
        self.model.device = device_to
        return 0

    def partially_unload(self, device_to: Device, memory_to_free: float = 0, *_args: object, **_options: object) -> int:
        """A network can't be halved: 0 lets ComfyUI detach it."""
        return 0

    def detach(self, unpatch_all: bool = True) -> torch.nn.Module:
        network = self._network()
        if network is not None:
            network.close()
        self.model.device = self.offload_device
        return self.model


class ComfyMemoryHook:
    """Asks ComfyUI for room where a network is about to run, and stops the work where the user pressed Cancel."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._lock = Lock()
        """ComfyUI's list of loaded models expects one thread; clips are worked on by several."""
        self._patchers: WeakKeyDictionary[Network, NetworkPatcher] = WeakKeyDictionary()

    def __call__(self, network: Network) -> None:
        """Raises ComfyUI's own interruption once Cancel was pressed."""
        management.throw_exception_if_processing_interrupted()
        with self._lock:
            self._make_room(network, self._patcher(network))

    def _make_room(self, network: Network, patcher: NetworkPatcher) -> None:
        entries = [loaded for loaded in management.current_loaded_models if loaded.model is patcher]
        if not network.is_open or not entries:
            management.load_models_gpu([patcher], memory_required=network.working_bytes)
        elif network.working_bytes:
            # load_models_gpu would detach, and so close, what is loaded already.
            management.free_memory(network.working_bytes, patcher.load_device, keep_loaded=entries)

    def _patcher(self, network: Network) -> NetworkPatcher:
        device = torch.device("cpu") if network.runs_on == "cpu" else self._device
        patcher = self._patchers.get(network)
        if patcher is None:
            patcher = self._patchers[network] = NetworkPatcher(network, device)
        elif patcher.load_device != device:
            # It didn't start where room was made for it. ComfyUI's entries keep the device they were made with.
            for loaded in [loaded for loaded in management.current_loaded_models if loaded.model is patcher]:
                management.current_loaded_models.remove(loaded)
            patcher.load_device = device
        return patcher
