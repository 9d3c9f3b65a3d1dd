"""The trained network in the browser: PyTorch's outputs, by mouse, keyboard and touch."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cnnguide import data
from cnnguide.cam import ClassMaps
from cnnguide.trained import load_demo
from conftest import SITE

MODULES = ["network", "scores", "maps"]


@pytest.fixture(scope="module")
def looked():
    """What PyTorch makes of four test images of each class."""
    sample = data.load("sample")
    images = torch.cat([sample.test_images[sample.test_labels == k][:4] for k in range(10)])
    with torch.no_grad():
        return images, ClassMaps(load_demo())(images / 255)


def call(page, server, code, *values):
    page.goto(f"{server}/en/search.html")
    modules = ", ".join(f"...await import('/modules/demo/{name}.js')" for name in MODULES)
    return page.evaluate(
        f"async values => {{ const m = {{ {modules} }}; return await ({code})(m, ...values); }}",
        list(values),
    )


def test_the_browsers_outputs_are_pytorchs(page, server, looked):
    images, expected = looked
    pixels = [image.permute(1, 2, 0).flatten(0, 1).tolist() for image in images[::5]]
    found = call(
        page,
        server,
        """async (m, pictures) => {
            const network = await m.loadNetwork('/en/_static/experiments/');
            const outputs = [];
            for (const picture of pictures) {
                const data = picture.flatMap(p => [...p, 255]);
                const out = await network(m.toInput({ data, width: 32, height: 32 }));
                outputs.push(['scores', 'first', 'maps'].map(name => Array.from(out[name])));
            }
            return outputs;
        }""",
        pixels,
    )
    for k, outputs in enumerate(found):
        for got, want in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(got, want[5 * k].flatten().numpy(), atol=1e-4, rtol=0)


def test_probabilities_and_maps_are_pytorchs(page, server, looked):
    _, expected = looked
    scores, maps = expected.scores[0].double(), expected.maps[0, 6].double()
    shares, five, large, light = call(
        page,
        server,
        "(m, s, map) => [m.softmax(s), m.largest(s, 5), Array.from(m.enlarge(map, 8, 32)), Array.from(m.brightness(map, 8, 32))]",
        scores.tolist(),
        maps.flatten().tolist(),
    )
    np.testing.assert_allclose(shares, scores.softmax(0).numpy(), atol=1e-12)
    assert five == scores.topk(5).indices.tolist()
    enlarged = F.interpolate(maps[None, None], (32, 32), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(large, enlarged.flatten().numpy(), atol=1e-9)
    share = enlarged.relu() / enlarged.relu().max()
    np.testing.assert_allclose(light, (0.25 + 0.75 * share).flatten().numpy(), atol=1e-9)


def place(page):
    return page.locator("#experiment-demo")


def test_nothing_is_loaded_before_it_is_asked_for(page, server):
    asked = []
    page.on("request", lambda r: asked.append(r.url))
    page.goto(f"{server}/en/train.html")
    page.wait_for_timeout(500)
    assert not any("onnx" in url for url in asked)


def test_the_button_says_the_size_of_what_is_loaded(page, server):
    page.goto(f"{server}/en/train.html")
    static = SITE / "en" / "_static"
    files = [*static.glob("onnxruntime/*"), static / "experiments" / "resnet10.onnx"]
    size = sum(p.stat().st_size for p in files if p.name != "LICENSE") / 1e6
    assert place(page).get_by_role("button", name=f"({size:.1f} MB)").is_visible()


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_it_answers_by_mouse(page, server, looked, edition):
    faults = []
    page.on("console", lambda m: m.type == "error" and faults.append(m.text))
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.goto(f"{server}/{edition}/train.html")
    place(page).get_by_role("button").filter(has_text="MB").click()
    bars = place(page).locator(".demo-bars button")
    bars.first.wait_for()
    assert bars.count() == 5
    share = looked[1].scores[24].softmax(0).max().item()
    assert f"{100 * share:.1f} %" in bars.first.inner_text()
    bars.nth(2).click()
    assert bars.nth(2).get_attribute("aria-pressed") == "true"
    text = place(page).inner_text()
    assert ("frog" in text) == (edition == "en")
    assert ("青蛙" in text) == (edition == "zh")
    assert faults == []


def test_it_answers_by_keyboard(page, server):
    page.goto(f"{server}/en/train.html")
    button = place(page).get_by_role("button", name="Load")
    button.focus()
    page.keyboard.press("Enter")
    place(page).locator(".demo-bars button").first.wait_for()
    place(page).get_by_role("radio", name="frog, photograph 1").focus()
    page.keyboard.press("ArrowRight")
    assert place(page).get_by_role("radio", name="horse, photograph 1").is_checked()
    place(page).get_by_text("The network's prediction: horse").wait_for()


def test_it_answers_by_touch_on_a_phone(chromium, server):
    context = chromium.new_context(has_touch=True, viewport={"width": 360, "height": 700})
    page = context.new_page()
    page.goto(f"{server}/en/train.html")
    place(page).get_by_role("button", name="Load").tap()
    place(page).locator(".demo-bars button").first.wait_for()
    ship = place(page).get_by_role("radio", name="ship, photograph 2")
    assert ship.bounding_box()["width"] >= 24
    ship.tap()
    place(page).get_by_text("The network's prediction: ship").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_a_readers_picture_is_looked_at_and_stays(page, server, tmp_path):
    sent = []
    page.on("request", lambda r: r.method != "GET" and sent.append(r.url))
    page.goto(f"{server}/en/train.html")
    place(page).get_by_role("button", name="Load").click()
    place(page).locator(".demo-bars button").first.wait_for()
    own = place(page).get_by_label("Your own picture")
    own.set_input_files(SITE / "en" / "_static" / "experiments" / "camera.png")
    page.wait_for_timeout(500)
    assert place(page).locator(".demo-bars button").count() == 5
    broken = tmp_path / "broken.png"
    broken.write_bytes(json.dumps([1]).encode())
    own.set_input_files(broken)
    place(page).get_by_text("cannot read this file as a picture").wait_for()
    assert sent == []


def test_a_network_that_cannot_be_loaded_is_said(page, server):
    page.route("**/resnet10.onnx", lambda route: route.abort())
    page.goto(f"{server}/en/train.html")
    place(page).get_by_role("button", name="Load").click()
    place(page).get_by_text("It could not be loaded").wait_for()
    assert place(page).get_by_role("button", name="Load").is_enabled()


def test_the_still_figure_is_there_without_javascript(chromium, server):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    for name in ("conv", "receptive", "mix", "norm", "train"):
        page.goto(f"{server}/en/{name}.html")
        still = page.locator(".experiment-still")
        assert still.is_visible()
        assert still.locator("img, table").first.is_visible()
        assert page.locator(".experiment-body").count() == 0
    context.close()
