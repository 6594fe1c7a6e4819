from __future__ import annotations

import os
import pickle
import zipfile

import pytest
from multifaceswap.models.runtime.checkpoints import load_into, load_state
from multifaceswap.pipeline.errors import DamagedModelError

torch = pytest.importorskip("torch")

WEIGHTS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([0.5, -0.5])}


def save(path, content, **options):
    torch.save(content, path, **options)
    return path


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("container", ["", "params_ema", "params", "state_dict", "params-ema", "net", "anything"])
def test_published_containers_give_single_precision_by_plain_names(tmp_path, container, prefix, half, legacy):
    state = {prefix + key: value.half() if half else value for key, value in WEIGHTS.items()}
    content = {container: state} if container else state
    path = save(tmp_path / "a.pth", content, _use_new_zipfile_serialization=not legacy)
    found = load_state(path)
    assert list(found) == ["weight", "bias"]
    assert all(value.dtype == torch.float32 and torch.equal(value, WEIGHTS[key]) for key, value in found.items())


def test_the_averaged_weights_are_preferred_and_counters_stay_whole(tmp_path):
    content = {"params": {"a": torch.ones(1)}, "params_ema": {"a": torch.zeros(1), "n": torch.tensor(3)}}
    found = load_state(save(tmp_path / "a.pth", content))
    assert found["a"].item() == 0
    assert found["n"].dtype == torch.int64


def test_a_network_is_filled(tmp_path):
    network = torch.nn.Linear(3, 2)
    load_into(
        network, save(tmp_path / "a.pth", {f"module.{key}": value.half() for key, value in WEIGHTS.items()}), "it"
    )
    assert torch.equal(network.weight, WEIGHTS["weight"]) and network.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"weight": WEIGHTS["weight"]}, "1 of 2 weights are missing, e.g. bias"),
        ({**WEIGHTS, "more": torch.zeros(1)}, "1 are unknown, e.g. more"),
        ({**WEIGHTS, "weight": torch.zeros(2, 4)}, "1 of 2 weights have another shape, e.g. weight"),
        ({"x": torch.zeros(1)}, "2 of 2 weights are missing, e.g. weight, bias; 1 are unknown, e.g. x"),
    ],
)
def test_another_network_is_told_by_what_differs(tmp_path, state, text):
    network = torch.nn.Linear(3, 2)
    before = network.weight.clone()
    with pytest.raises(DamagedModelError, match=f"holds another network than a line: {text}"):
        load_into(network, save(tmp_path / "a.pth", state), "a line")
    assert torch.equal(network.weight, before)


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {},
        {"epoch": 3},
        {"params": {"a": 1}},
        {"params": {"a": torch.zeros(1), "b": 2}},
        {3: torch.zeros(1)},
        {"params": {3: torch.zeros(1)}},
        torch.zeros(3),
    ],
)
def test_what_holds_no_weights_is_refused(tmp_path, content):
    with pytest.raises(DamagedModelError, match="is no network's weights: it holds"):
        load_state(save(tmp_path / "a.pth", content))


class Attack:
    """What runs when its pickle is opened trustingly."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("kind", ["zip", "legacy", "bare pickle"])
def test_a_malicious_pickle_is_refused_and_does_nothing(tmp_path, kind):
    path, trap = tmp_path / "a.pth", tmp_path / "trap"
    content = {"weight": torch.zeros(1), "extra": Attack(trap)}
    if kind == "bare pickle":
        path.write_bytes(pickle.dumps(Attack(trap), protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    with pytest.raises(DamagedModelError, match=r"is refused: .*run code of its own \((posix|nt)\.mkdir\)"):
        load_state(path)
    assert not trap.exists()
    pickle.loads(pickle.dumps(Attack(trap)))
    assert trap.exists(), "the attack must be a real one"


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9, 0.99])
def test_files_cut_short_are_told(tmp_path, legacy, share):
    path = save(tmp_path / "a.pth", {"w": torch.rand(3000)}, _use_new_zipfile_serialization=not legacy)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DamagedModelError, match=r"is damaged or cut short: .* Fetch it again"):
        load_state(path)


@pytest.mark.parametrize(
    "content", [b"<html>", b"\x80\x02", b"\x80\x02nonsense", b"PK\x03\x04nonsense", b"\x00" * 64, b"hello world"]
)
def test_what_is_no_torch_file_is_told(tmp_path, content):
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(DamagedModelError, match=r"a\.pth"):
        load_state(path)


def test_a_zip_of_something_else_is_told(tmp_path):
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DamagedModelError, match="is damaged or cut short"):
        load_state(path)
