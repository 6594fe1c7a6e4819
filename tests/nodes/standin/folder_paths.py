"""Model folders."""

from __future__ import annotations

import os
import tempfile

base_path = tempfile.mkdtemp()
models_dir = os.path.join(base_path, "models")
supported_pt_extensions = {".ckpt", ".pt", ".pth", ".safetensors"}
folder_names_and_paths = {
    "checkpoints": ([os.path.join(models_dir, "checkpoints")], supported_pt_extensions),
    "upscale_models": ([os.path.join(models_dir, "upscale_models")], supported_pt_extensions),
}


def add_model_folder_path(folder_name, full_folder_path, is_default=False):
    paths, _ = folder_names_and_paths.setdefault(folder_name, ([], set()))
    if full_folder_path not in paths:
        paths.insert(0, full_folder_path) if is_default else paths.append(full_folder_path)


def get_system_user_directory(name="system"):
    return os.path.join(base_path, "user", f"__{name}")


def get_temp_directory():
    folder = os.path.join(base_path, "temp")
    os.makedirs(folder, exist_ok=True)
    return folder
