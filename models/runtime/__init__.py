"""Runs networks: sessions of onnxruntime and torch, devices, and what a file must look like to be run."""
