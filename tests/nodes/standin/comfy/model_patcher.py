"""What the list of loaded models holds."""

from __future__ import annotations

from typing import Any

import torch


class ModelPatcher:
    def __init__(self, model: Any, load_device: torch.device, offload_device: torch.device, size: int = 0) -> None:
        self.model, self.load_device, self.offload_device, self.size = model, load_device, offload_device, size
        self.model.device = offload_device

    def model_size(self) -> int:
        return self.size
