"""`multifaceswap serve`: keys, and what is refused before a server starts."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("sqlalchemy")
from multifaceswap import cli
from multifaceswap.commands import serve
from multifaceswap.serve.keys import Keys
from multifaceswap.serve.tables import opened, state_of


def arguments_of(*words):
    return cli._parser(["serve"]).parse_args(["serve", *words])


def test_keys_are_made_listed_and_removed(tmp_path, capsys):
    data = ["--data", str(tmp_path / "data")]
    assert cli.main(["serve", "keys", "add", "ann", *data]) == 0
    key, note = capsys.readouterr()
    assert Keys(opened(state_of(tmp_path / "data"))).owner(key.strip()) == "ann" and "isn't shown again" in note
    assert cli.main(["serve", *data, "keys", "list"]) == 0
    assert capsys.readouterr().out.startswith("ann\tsince 2")
    assert cli.main(["serve", "keys", "remove", "ann", *data]) == 0
    assert cli.main(["serve", "keys", "remove", "ann", *data]) == 2
    assert "there is no key 'ann'" in capsys.readouterr().err
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0: others reach this address, and there is no key yet"),
        (["--swap-model", "inswapper_128"], "inswapper_128.onnx"),
        (["--public-url", "ftp://a.example"], "--public-url: expected an address such as https://"),
        (["--state", "mysql://a/b"], "--state and --data: both say where the state is"),
        (["--port", "70000"], "--port"),
        (["--keep-results", "0"], "--keep-results"),
    ],
)
def test_what_is_refused_before_it_starts(tmp_path, capsys, options, message):
    assert cli.main(["serve", "--data", str(tmp_path / "data"), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_second_server_on_one_folder_is_refused(tmp_path, capsys):
    from multifaceswap.media.ownership import owned

    with owned(tmp_path / "data" / "server"):
        assert cli.main(["serve", "--data", str(tmp_path / "data")]) == 2
    assert "the state in --data: is being written by this process" in capsys.readouterr().err


def test_options_are_the_servers_settings(tmp_path):
    words = [
        "--data",
        str(tmp_path),
        "--public-url",
        "https://swap.example.org/",
        "--max-megabytes",
        "2",
        "--rate",
        "5",
    ]
    words += ["--keep", "mouth", "--image-format", "png", "--keep-results", "60", "--no-substitute", "--workers", "3"]
    config = serve._config(arguments_of(*words))
    assert (config.host, config.port, config.public_url) == ("127.0.0.1", 8000, "https://swap.example.org")
    assert config.defaults == {"keep": "mouth", "image_format": "png"}
    assert (config.limits.body_bytes, config.limits.rate, config.limits.keep) == (2 << 20, 5, 60)
    assert (config.substitute, config.workers, config.allow_private, config.is_loopback) == (False, 3, False, True)
    assert config.limits.pixels == 100 << 20 and config.state == state_of(tmp_path)


@pytest.mark.parametrize("words", [[], ["--substitute"]])
def test_substitutes_are_the_default(tmp_path, words):
    assert serve._config(arguments_of("--data", str(tmp_path), *words)).substitute is True


def test_images_start_the_server_by_its_command():
    docker = Path(__file__).resolve().parents[2] / "docker"
    for file in ("Dockerfile", "Dockerfile.cuda"):
        text = (docker / file).read_text().splitlines()
        lines = dict(line.split(" ", 1) for line in text if line.startswith(("ENTRY", "CMD")))
        assert json.loads(lines["ENTRYPOINT"]) == ["multifaceswap"]
        assert arguments_of(*json.loads(lines["CMD"])[1:]).host == "0.0.0.0"
    (command,) = re.findall(r"command: (\[.*\])", (docker / "compose.yaml").read_text())
    name, *words = json.loads(command)
    asked = arguments_of(*words)
    assert (name, asked.state) == ("serve", "postgresql://swap@database/swap")
    (key,) = re.findall(r"run --rm server (serve keys add .*)", (docker / "compose.yaml").read_text())
    assert arguments_of(*key.split()[1:]).state == asked.state


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_port_that_is_taken_is_one_line(tmp_path, capsys, engine):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert cli.main(["serve", "--data", str(tmp_path / "data"), "--port", port, "--engine", engine]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--host 127.0.0.1 --port {port}: can't listen there: " in line


@pytest.mark.parametrize("state", ["redis://127.0.0.1/0", "mysql://a@b/c", "nonsense"])
def test_another_kind_of_state_is_one_line(capsys, state):
    assert cli.main(["serve", "--state", state]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--state: expected sqlite:///file or postgresql://user@host/name" in line
