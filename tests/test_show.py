import pytest
import torch

from cnnguide import show


def test_a_colour_image_comes_out_with_its_channels_last():
    image = torch.rand(3, 4, 5)
    assert torch.equal(show.to_displayable(image)[1, 2], image[:, 1, 2])


def test_a_grey_image_loses_its_channel_axis():
    assert show.to_displayable(torch.rand(1, 4, 5)).shape == (4, 5)


def test_values_outside_the_range_are_clipped():
    shown = show.to_displayable(torch.tensor([[-1.0, 0.5, 2.0]]))
    assert shown.tolist() == [[0.0, 0.5, 1.0]]


def test_showing_an_image_leaves_it_as_it_was():
    image = torch.full((3, 2, 2), 2.0)
    show.to_displayable(image)
    assert image.eq(2).all()


@pytest.mark.parametrize("shape", [(2, 4, 5), (4,), (1, 3, 4, 5)])
def test_an_image_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"has shape \(3, H, W\), \(1, H, W\) or \(H, W\), got"):
        show.to_displayable(torch.zeros(shape))


def test_a_grid_has_a_title_for_each_image():
    figure = show.image_grid([torch.zeros(3, 4, 4)] * 3, titles=["a", "b", "c"], columns=2)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", ""]


def test_a_grid_refuses_too_few_titles():
    with pytest.raises(ValueError, match="one title an image, got 1 for 2"):
        show.image_grid([torch.zeros(3, 4, 4)] * 2, titles=["a"])


def test_a_grid_refuses_no_images():
    with pytest.raises(ValueError, match="at least one image, got none"):
        show.image_grid([])


def test_bytes_and_floats_of_one_picture_look_the_same():
    byte = torch.tensor([[0, 128]], dtype=torch.uint8)
    figure = show.image_grid([byte, byte / 255])
    first, second = (axes.images[0].to_rgba(axes.images[0].get_array()) for axes in figure.axes)
    assert (first == second).all()
