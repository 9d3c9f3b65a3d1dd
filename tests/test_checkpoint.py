import pytest
import torch
from torch import nn

from cnnguide import checkpoint
from cnnguide.checkpoint import replacing


def test_a_file_that_is_moved_into_place_may_be_read_by_whom_any_file_may(tmp_path):
    (tmp_path / "any").touch()
    with replacing(tmp_path / "folder" / "moved") as file:
        file.write(b"whole")
    assert (tmp_path / "folder" / "moved").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_checkpoint_cut_short_is_refused_and_kept(tmp_path):
    path = tmp_path / "state.pt"
    checkpoint.save_checkpoint(path, {"x": torch.zeros(100)})
    content = path.read_bytes()[:-50]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"state.pt is cut short or no checkpoint"):
        checkpoint.load_checkpoint(path)
    assert path.read_bytes() == content


def test_weights_of_another_model_are_refused_and_change_nothing():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    before = net[1].weight.clone()
    other = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 2), nn.Linear(1, 1)).state_dict()
    del other["0.bias"]
    with pytest.raises(
        ValueError, match=r"0.bias is missing; 2.weight is unknown; 2.bias is unk.* and 1"
    ):
        checkpoint.load_weights(net, other)
    assert torch.equal(net[1].weight, before)
