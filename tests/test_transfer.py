import sys

import pytest
import torch
import torchvision
import torchvision.transforms.v2
from torch import nn
from torch.testing import assert_close

from cnnguide import checkpoint, transfer


def backbone():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.5), nn.Flatten()
    )


def train(model, steps=3):
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    for _ in range(steps):
        model.train()
        loss = nn.functional.cross_entropy(model(torch.randn(4, 3, 9, 9) + 2), torch.arange(4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def snapshot(model):
    return {k: v.clone() for k, v in model.state_dict().items()}


def test_what_is_frozen_stays_bitwise_and_the_head_learns():
    model = nn.Sequential(transfer.Frozen(backbone()), nn.Linear(96, 5))
    before = snapshot(model)
    train(model)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]) == name.startswith("0."), name


def test_without_freezing_the_running_statistics_move():
    model = nn.Sequential(backbone().requires_grad_(False), nn.Linear(96, 5))
    before = snapshot(model)
    train(model)
    assert not torch.equal(model[0][1].running_mean, before["0.1.running_mean"])


def test_a_frozen_part_stays_in_evaluation_mode_whatever_is_called():
    part = transfer.Frozen(backbone())
    nn.Sequential(part).train()
    assert not any(m.training for m in part.module.modules())
    x = torch.randn(2, 3, 9, 9)
    assert torch.equal(part(x), part(x))


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("resnet18", "fc"),
        ("alexnet", "classifier.6"),
        ("mobilenet_v2", "classifier.1"),
        ("vit_b_16", "heads.head"),
        ("efficientnet_b0", "classifier.1"),
    ],
)
def test_the_head_of_torchvisions_classifiers_is_replaced(name, head):
    with torch.device("meta"):
        model = torchvision.models.get_model(name)
    assert transfer.find_head(model)[0] == head
    new = transfer.replace_head(model, 10)
    assert model.get_submodule(head) is new and new.out_features == 10
    assert new.weight.device.type == "meta"


def test_feature_extraction_trains_5130_parameters_and_the_article_trained_three_quarters():
    model = torchvision.models.resnet18()
    model.requires_grad_(False)
    transfer.replace_head(model, 10)
    assert transfer.trainable_parameters(model) == 512 * 10 + 10 == 5130
    model.layer4.requires_grad_(True)
    assert transfer.trainable_parameters(model) == 8_398_858


def test_cached_features_give_the_scores_of_the_whole_network():
    part, head = backbone(), nn.Linear(96, 5)
    images = torch.randn(7, 3, 9, 9)
    features = transfer.cached_features(part, images.split(3))
    whole = nn.Sequential(part, head).eval()
    assert_close(head(features), whole(images))
    assert not features.requires_grad


def test_caching_leaves_the_modes_as_they_were():
    part = backbone().train()
    part[1].eval()
    transfer.cached_features(part, [torch.randn(2, 3, 9, 9)])
    assert part[0].training and not part[1].training and part[1].num_batches_tracked == 0


def test_each_part_gets_its_own_learning_rate_and_the_frozen_none():
    parts = [nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)]
    parts[1].requires_grad_(False)
    groups = transfer.parameter_groups(parts, learning_rate=1.0, decay=0.1)
    assert [g["lr"] for g in groups] == pytest.approx([0.01, 1.0])
    assert groups[0]["params"][0] is parts[0].weight
    torch.optim.SGD(groups, lr=0.5)


def test_the_packaged_weights_name_a_cat_a_cat():
    data = pytest.importorskip("skimage.data")
    model = transfer.load_pretrained("package")
    cat = torch.from_numpy(data.chelsea()).permute(2, 0, 1)[None].float() / 255
    cat = torchvision.transforms.v2.functional.resize(cat[..., :300], [224, 224])
    mean, std = (torch.tensor(model.default_cfg[k]).view(3, 1, 1) for k in ("mean", "std"))
    with torch.no_grad():
        answer = model((cat - mean) / std).argmax().item()
    assert 281 <= answer <= 285  # tabby, tiger, Persian, Siamese and Egyptian cat


def test_weights_from_a_file_are_loaded(tmp_path):
    source, target = backbone(), backbone()
    nn.init.ones_(source[0].weight)
    checkpoint.save_checkpoint(tmp_path / "w.pt", source.state_dict())
    loaded = transfer.load_pretrained(tmp_path / "w.pt", target)
    assert loaded is target and not target.training
    assert_close(target.state_dict(), source.state_dict())


def test_weights_of_another_architecture_are_refused(tmp_path):
    checkpoint.save_checkpoint(tmp_path / "w.pt", nn.Linear(2, 2).state_dict())
    with pytest.raises(ValueError, match="another model's: 0.weight is missing"):
        transfer.load_pretrained(tmp_path / "w.pt", backbone())


def test_a_file_cut_short_is_refused(tmp_path):
    (tmp_path / "w.pt").write_bytes(b"half a file")
    with pytest.raises(ValueError, match="cut short or no checkpoint"):
        transfer.load_pretrained(tmp_path / "w.pt", backbone())


def test_a_missing_package_says_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(
        ImportError, match=r"timm is not installed: pip install 'cnnguide\[gallery\]'"
    ):
        transfer.load_pretrained("package")


def test_torchvisions_weights_out_of_reach_are_said_so(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing answers there
    with pytest.raises(OSError, match="torchvision's ResNet-18 weights cannot be reached"):
        transfer.load_pretrained("torchvision")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: transfer.find_head(nn.Sequential(nn.Conv2d(1, 1, 1))), "no linear layer"),
        (lambda: transfer.find_head(nn.Linear(1, 1)), "no linear layer inside"),
        (lambda: transfer.replace_head(nn.Sequential(nn.Linear(1, 1)), 0), "at least 1 class, got 0"),
        (lambda: transfer.cached_features(nn.Flatten(), []), "at least one batch"),
        (lambda: transfer.parameter_groups([], learning_rate=1.0, decay=0.5), "at least one part"),
        (lambda: transfer.parameter_groups([nn.Linear(1, 1)], learning_rate=1.0, decay=0.0), "above 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_transferred_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
