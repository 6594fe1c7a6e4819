"""The server does what its OpenAPI says, whatever is sent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from multifaceswap.serve.config import Limits

FOLDER = Path(__file__).parent
FAILED_IS_AN_ANSWER = """
[[operations]]
include-path-regex = "/v2/requests/.request_id.(/status)?$"
include-method = "GET"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "404", "422", "5xx"]
"""


def test_openapi_names_settings_with_what_this_server_has(site):
    paths = site.get("/openapi.json").json()["paths"]
    schema = paths["/v2/faceswap-v3-multifaceswap"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["source_img", "target_img"] and schema["additionalProperties"] is False
    settings = schema["properties"]
    assert settings["facedetection"]["default"] == "builtin" and settings["image_format"]["default"] == "jpeg"
    assert settings["swap_model"]["enum"] == ["mesh", None]
    assert (settings["image_quality"]["minimum"], settings["image_quality"]["maximum"]) == (10, 100)
    assert (settings["expression"]["minimum"], settings["expression"]["maximum"]) == (0, 0)
    assert {"input_faces_index", "base64", "keep", "occluder", "watermark", "mark"} <= settings.keys()
    assert "/" not in paths


@pytest.mark.slow
def test_schemathesis_finds_nothing(started, copying, tmp_path):
    """By its own defaults: what is valid may not be refused either. The work copies, so that nothing fails of faces;
    what it cancels in time FAILED, which its questions for that are told."""
    pytest.importorskip("schemathesis")
    site = started(copying, limits=Limits(queue=100_000))
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{site.url}/openapi.json", "--max-examples", "15"]
    (tmp_path / "schemathesis.toml").write_text(FAILED_IS_AN_ANSWER)
    environment = {**os.environ, "PYTHONPATH": str(FOLDER), "SCHEMATHESIS_HOOKS": "openapi_pictures"}
    done = subprocess.run(
        [*command, "--seed", "1"], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout or "passed" in done.stdout
