"""Networks by name: shapes, seeds, torchvision's families, and every refusal."""

import re
from pathlib import Path

import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock

from wddkit.nets import Network, build, networks
from wddkit.nets.zoo import patch_size

TORCHVISION = torchvision.models.list_models(
    module=torchvision.models, include=["resne*", "wide_resnet*", "vgg*", "convnext*", "vit_*"]
)


@pytest.mark.parametrize("size", [1, 5, 8, 28, 33, 96])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("pooling", ["mean", "flatten"])
@pytest.mark.parametrize("name", ["convnet", "resnet-small"])
def test_our_own_families_take_every_size(make, name, pooling, channels, size):
    net = make(name, size=size, channels=channels, pooling=pooling)
    assert net.embed(torch.rand(2, channels, size, size)).shape == (2, net.features)
    assert net(torch.rand(2, channels, size, size)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "features", "sizes"),
    [
        ("resnet18", 512, [1, 8, 64, 65]),
        ("resnet50", 2048, [32]),
        ("vgg11", 4096, [32, 33, 224]),
        ("vgg11_bn", 4096, [48]),
        ("convnext_tiny", 768, [32, 100]),
        ("vit_b_16", 768, [7, 28, 96, 224]),
        ("vit_b_32", 768, [32]),
        ("vit_h_14", 1280, [518]),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_torchvision_families_take_the_sizes_they_declare(make, name, features, sizes, channels):
    for size in sizes:
        with torch.device("meta"):  # shapes without the arithmetic
            net = make(name, size=size, channels=channels)
            x = torch.empty(2, channels, size, size)
        assert net.embed(x).shape == (2, features) == (2, net.features)
        assert net(x).shape == (2, 10)


def test_the_names_are_ours_and_all_of_the_four_torchvision_families():
    assert networks()[:2] == ("convnet", "resnet-small")
    assert sorted(networks()[2:]) == sorted(TORCHVISION)


@pytest.mark.parametrize("name", TORCHVISION)
def test_at_224_px_a_torchvision_network_is_torchvisions_without_its_classifier(make, name):
    with torch.device("meta"):
        ours = make(name, size=224).backbone.state_dict()
        theirs = torchvision.models.get_model(name, weights=None).state_dict()
    last = list(theirs)[-2:]  # weight and bias of the classifier
    assert {key: value.shape for key, value in ours.items()} == {
        key: value.shape for key, value in theirs.items() if key not in last
    }


@pytest.mark.parametrize("name", ["convnet", "resnet-small", "resnet18"])
def test_a_seed_fixes_every_bit_and_another_seed_changes_every_kernel(make, name):
    same, again, other = make(name, seed=3), make(name, seed=3), make(name, seed=4)
    for (key, a), b in zip(same.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b), key
    kernels = {key: p for key, p in same.named_parameters() if p.ndim > 1}
    assert not any(torch.equal(p, other.get_parameter(key)) for key, p in kernels.items())


def test_the_global_generator_neither_changes_nor_matters(make):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = make()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert torch.equal(make().head.weight, first.head.weight)


@pytest.mark.parametrize("pooling", ["mean", "flatten"])
def test_a_convnet_is_convolution_norm_relu_and_pooling(make, pooling):
    net, x = make(depth=2, size=9, norm="group", pooling=pooling), torch.rand(3, 3, 9, 9)
    p = net.backbone.state_dict()
    z = net.normalise(x)
    for i in (1, 2):
        z = functional.conv2d(z, p[f"conv{i}.weight"], p[f"conv{i}.bias"], padding=1)
        z = functional.group_norm(z, 4, p[f"norm{i}.weight"], p[f"norm{i}.bias"])
        z = functional.avg_pool2d(functional.relu(z), 2)
    expected = z.mean((2, 3)) if pooling == "mean" else z.flatten(1)
    torch.testing.assert_close(net.embed(x), expected, rtol=1e-4, atol=1e-5)


def test_resnet_small_is_torchvisions_resnet_with_one_block_a_stage_and_a_small_stem(make):
    ours = make("resnet-small", depth=4, width=64, size=16).eval().backbone
    theirs = torchvision.models.ResNet(BasicBlock, [1, 1, 1, 1]).eval()
    theirs.conv1, theirs.maxpool, theirs.fc = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity(), nn.Identity()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)


def test_convolutions_of_resnet_small_start_with_hes_variance(make):
    net = make("resnet-small", width=64, growth=1)
    for key, weight in net.backbone.named_parameters():
        if weight.ndim == 4:
            fan_out = weight.shape[0] * weight.shape[2] * weight.shape[3]
            error = 5 * (2 / weight.numel()) ** 0.5  # five standard errors of a variance of normal values
            assert float(weight.detach().var()) == pytest.approx(2 / fan_out, rel=error), key


def test_small_images_keep_their_size_in_the_stem_of_a_resnet(make):
    small, large = make("resnet18", size=64).backbone, make("resnet18", size=65).backbone
    assert (small.conv1.kernel_size, small.conv1.stride) == ((3, 3), (1, 1))
    assert isinstance(small.maxpool, nn.Identity)
    assert (large.conv1.kernel_size, large.conv1.stride) == ((7, 7), (2, 2))
    assert isinstance(large.maxpool, nn.MaxPool2d)


def grey_equals_rgb(make, name, size):
    x = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        grey = make(name, size=size, channels=1).eval().backbone(x)
        rgb = make(name, size=size, channels=3).eval().backbone(x.expand(-1, 3, -1, -1))
    torch.testing.assert_close(grey, rgb, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [16, 66])
def test_a_grey_resnet_gives_what_the_rgb_one_gives_for_equal_channels(make, size):
    grey_equals_rgb(make, "resnet18", size)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [("vgg11_bn", 32), ("convnext_tiny", 32), ("vit_b_16", 8)])
def test_a_grey_network_gives_what_the_rgb_one_gives_for_equal_channels(make, name, size):
    grey_equals_rgb(make, name, size)


@given(size=st.integers(1, 600), at_most=st.sampled_from([14, 16, 32]))
def test_patches_are_the_largest_that_divide_the_image_into_7_to_37_a_side(size, at_most):
    fitting = [p for p in range(1, at_most + 1) if size % p == 0 and 7 <= size / p <= 37]
    assert patch_size(size, at_most=at_most) == max(fitting, default=None)


def test_patches_are_torchvisions_own_at_224_px_and_small_for_small_images():
    assert [patch_size(224, at_most=p) for p in (14, 16, 32)] == [14, 16, 32]
    assert [patch_size(s, at_most=16) for s in (8, 28, 32, 64, 96)] == [1, 4, 4, 8, 12]


@pytest.mark.parametrize(
    ("network", "where", "message"),
    [
        (Network("covnet"), {}, "unknown network 'covnet'. Did you mean 'convnet'? Known: convnet, convnext_base"),
        (Network("vgg11"), {}, "network 'vgg11' takes images of at least 32 px, got 8; use convnet or resnet-small"),
        (
            Network("convnext_tiny"),
            {"size": 31},
            "network 'convnext_tiny' takes images of at least 32 px, got 31; use convnet or resnet-small",
        ),
        (Network("vit_b_16"), {"size": 6}, "network 'vit_b_16' takes images of at least 7 px, got 6; use convnet"),
        (
            Network("vit_b_16"),
            {"size": 97},
            "network 'vit_b_16' cuts images into 7 to 37 patches a side of at most 16 px, which does not go for 97 px; "
            "the nearest sizes are [95, 96, 98, 99]",
        ),
        (Network(), {"size": 0}, "network 'convnet' takes images of at least 1 px, got 0"),
        (Network(), {"channels": 2}, "networks take 1 channel (grey) or 3 (RGB), got 2"),
        (Network(), {"classes": 0}, "classes must be at least 1, got 0"),
        (Network(), {"channels": 3}, "normalisation: expected 3 means and 3 stds above 0, got ((0.5,), (0.5,))"),
        (
            Network(),
            {"normalisation": ((0.5,), (0.0,))},
            "normalisation: expected 1 means and 1 stds above 0, got ((0.5,), (0.0,))",
        ),
        (
            Network("resnet18", depth=4),
            {},
            "network 'resnet18' takes no depth, got 4; leave it at None or use convnet or resnet-small",
        ),
        (Network("resnet18", width=8), {}, "network 'resnet18' takes no width, got 8; leave it at None"),
        (Network("resnet18", growth=1), {}, "network 'resnet18' takes no growth, got 1; leave it at 2"),
        (Network("vgg11", norm="none"), {}, "network 'vgg11' takes no norm, got 'none'; leave it at 'batch'"),
        (Network("vgg11", pooling="flatten"), {}, "network 'vgg11' takes no pooling, got 'flatten'"),
        (Network(weights="DEFAULT"), {}, "network 'convnet' takes no weights, got 'DEFAULT'; leave it at None"),
        (
            Network("resnet18", weights="DEFAUT"),
            {},
            "unknown weights of network 'resnet18' 'DEFAUT'. Did you mean 'DEFAULT'? Known: DEFAULT, IMAGENET1K_V1",
        ),
        (
            Network("vit_b_16", weights="DEFAULT"),
            {"size": 96},
            "the weights 'DEFAULT' of network 'vit_b_16' are for images of 224 px, got 96; resize the images or",
        ),
    ],
)
def test_what_a_network_does_not_take_is_refused_with_a_way_out(network, where, message):
    given = {"classes": 10, "channels": 1, "size": 8, "normalisation": ((0.5,), (0.5,)), "seed": 0}
    with pytest.raises(ValueError, match=re.escape(message)):
        build(network, **(given | where))


def test_weights_that_miss_the_classifier_are_not_offered(make):
    with pytest.raises(ValueError, match=r"unknown weights of network 'vgg16'.* Known: DEFAULT, IMAGENET1K_V1$"):
        make("vgg16", size=32, weights="IMAGENET1K_FEATURES")


@pytest.fixture
def checkpoints(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("channels", [1, 3])
def test_stored_weights_are_loaded_when_asked_and_keep_their_stem(make, checkpoints, channels):
    theirs = torchvision.models.resnet18(weights=None).eval()
    url = torchvision.models.ResNet18_Weights.DEFAULT.url
    torch.save(theirs.state_dict(), checkpoints / url.rsplit("/", 1)[1])
    theirs.fc = nn.Identity()
    x = torch.rand(2, channels, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = make("resnet18", size=32, channels=channels, weights="DEFAULT").eval().backbone(x)
        torch.testing.assert_close(ours, theirs(x.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-4)


def test_nothing_is_executed_when_stored_weights_are_read(make, checkpoints):
    url = torchvision.models.ResNet18_Weights.DEFAULT.url
    torch.save(nn.Linear(1, 1), checkpoints / url.rsplit("/", 1)[1])  # a pickled object, not tensors
    message = (
        r"weights 'DEFAULT' of network 'resnet18': UnpicklingError: Weights only load failed\. They are looked for"
    )
    with pytest.raises(OSError, match=message):
        make("resnet18", weights="DEFAULT")


def test_weights_that_cannot_be_fetched_say_where_to_put_them(make, tmp_path, monkeypatch):
    home = tmp_path / "file"
    home.touch()
    monkeypatch.setenv("TORCH_HOME", str(home))  # no folder can be made below a file
    message = (
        r"cannot load the weights 'DEFAULT' of network 'resnet18': .*They are looked for in .*/file/hub/checkpoints, "
    )
    with pytest.raises(OSError, match=message + r"else at https://.*resnet18.*pth; put them there or build it with"):
        make("resnet18", weights="DEFAULT")
