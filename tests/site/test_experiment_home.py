"""The moving picture of the home page: its arithmetic is the library's, and it can be stopped."""

import numpy as np
import pytest
import torch
from PIL import Image

from cnnguide import conv
from conftest import SITE, tab_to

PLACE = "#experiment-home"
READ = f"""() => {{
  const map = document.querySelectorAll("{PLACE} canvas")[1];
  return [...map.getContext("2d").getImageData(0, 0, map.width, map.height).data];
}}"""


@pytest.fixture
def stem():
    """Name the page."""
    return "index"


@pytest.fixture
def experiment(opened):
    """Open the page, in any way, and wait until the picture has come."""

    def start(*where, **options):
        page = opened(*where, **options)
        page.locator(f"{PLACE} td").first.wait_for()
        return page

    return start


def feature_map(page):
    """The greys of the feature map, and how far it has got."""
    pixels = np.array(page.evaluate(READ)).reshape(-1, 4)
    count = int((pixels[:, 3] == 255).sum())
    assert (pixels[:count, 3] == 255).all()  # row by row, from the top
    return pixels[:count, 0]


def expected(page):
    """What the library makes of the photograph, with the kernel that the page shows."""
    file = SITE / "en" / "_static" / "experiments" / "camera.png"
    photograph = torch.from_numpy(np.asarray(Image.open(file)).copy())[None, None].double()
    cells = page.locator(f"{PLACE} td").all_inner_texts()
    kernel = torch.tensor([float(text.replace("−", "-")) for text in cells]).reshape(1, 1, 3, 3)
    values = conv.conv2d_loops(photograph, kernel.double())
    if kernel.sum() == 0:
        values = (values + 255) / 2
    return values.clamp(0, 255).round().flatten().numpy()


def test_the_feature_map_fills_with_what_the_library_computes(experiment):
    page = experiment()
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Pause").click()
    drawn = feature_map(page)
    assert 0 < len(drawn) < 62 * 62
    assert np.abs(drawn - expected(page)[: len(drawn)]).max() <= 1  # halves round either way
    before = len(drawn)
    page.wait_for_timeout(300)
    assert len(feature_map(page)) == before
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(300)
    assert len(feature_map(page)) > before


def test_it_stands_still_for_readers_who_want_less_motion(experiment):
    page = experiment(reduced_motion="reduce")
    drawn = feature_map(page)
    assert len(drawn) == 62 * 62
    assert np.abs(drawn - expected(page)).max() <= 1
    page.wait_for_timeout(300)
    assert (feature_map(page) == drawn).all()
    button = page.get_by_role("button", name="Play")
    tab_to(page, button)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Pause").wait_for()


def test_there_is_no_button_before_the_photograph_has_come(page, server):
    """A press on it would start a second clock, which no press stops."""
    held = []
    page.route("**/camera.png", lambda route: held.append(route))
    page.goto(f"{server}/en/index.html", wait_until="domcontentloaded")
    button = page.locator(f"{PLACE} button")
    button.wait_for(state="attached")
    assert not button.is_visible()
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    page.get_by_role("button", name="Pause").wait_for()


def test_the_words_are_chinese_on_the_chinese_page(experiment):
    page = experiment("zh")
    page.get_by_role("button", name="暂停").click()
    assert page.get_by_text("垂直边缘", exact=True).is_visible()


def test_the_first_screen_leads_to_the_first_chapter(opened):
    page = opened(height=800)
    link = page.get_by_role("link", name="Begin with chapter 1")
    box = link.bounding_box()
    assert box["y"] + box["height"] <= 800
    link.click()
    assert page.url.endswith("/conv.html#conv")
    assert page.get_by_text("Chapter 1 of 16").is_visible()


def test_next_leads_from_home_to_the_first_chapter(opened):
    page = opened()
    page.locator("a.next-page").click()
    assert page.url.endswith("/conv.html")
