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


def get_output_directory():
    folder = os.path.join(base_path, "output")
    os.makedirs(folder, exist_ok=True)
    return folder


def get_save_image_path(
    filename_prefix: str, output_dir: str, image_width: int = 0, image_height: int = 0
) -> tuple[str, str, int, str, str]:
    prefix = filename_prefix.replace("%width%", str(image_width)).replace("%height%", str(image_height))
    subfolder, filename = os.path.split(os.path.normpath(prefix))
    folder = os.path.join(output_dir, subfolder)
    if os.path.commonpath((output_dir, os.path.abspath(folder))) != output_dir:
        raise Exception("Saving image outside the output folder is not allowed.")
    os.makedirs(folder, exist_ok=True)
    taken = [name[len(filename) + 1 :] for name in os.listdir(folder) if name.startswith(f"{filename}_")]
    numbers = [int(name.split("_")[0]) for name in taken if name.split("_")[0].isdigit()]
    return folder, filename, max(numbers, default=0) + 1, subfolder, filename_prefix


def get_temp_directory():
    folder = os.path.join(base_path, "temp")
    os.makedirs(folder, exist_ok=True)
    return folder
