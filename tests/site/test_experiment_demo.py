"""The trained network in the browser: PyTorch's outputs, by mouse, keyboard and touch."""

import io
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from cnnguide import data
from cnnguide.cam import ClassMaps
from cnnguide.trained import load_demo
from conftest import SITE, wait_until

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


SEEN = """() => {
    const canvas = document.querySelector("#experiment-demo .demo-results canvas");
    return [...canvas.getContext("2d").getImageData(0, 0, 32, 32).data];
}"""


def seen(page):
    """The picture that is shown, 32 32 3."""
    return np.array(page.evaluate(SEEN)).reshape(32, 32, 4)[:, :, :3]


def packed(image, kind="PNG", **options):
    """The file of a picture, as Playwright takes one."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return {
        "name": f"own.{kind.lower()}",
        "mimeType": f"image/{kind.lower()}",
        "buffer": file.getvalue(),
    }


def noise(side):
    """A picture that no format makes small."""
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def back(page, edition="en"):
    """The button that leads back to the first picture."""
    name = {"en": "Back to the first picture", "zh": "换回最初的图片"}[edition]
    return place(page).get_by_role("button", name=name)


@pytest.fixture
def demo(page, server):
    """The page, before the network is loaded."""
    page.goto(f"{server}/en/train.html")
    place(page).locator(".demo-results canvas").first.wait_for()
    return page


def test_a_picture_is_shown_before_the_network_is_loaded(demo, looked):
    frog = looked[0][24].permute(1, 2, 0).numpy()
    demo.wait_for_timeout(500)
    assert (seen(demo) == frog).all()
    own = noise(32)
    place(demo).get_by_label("Your own picture").set_input_files([packed(own)])
    back(demo).wait_for()
    assert (seen(demo) == np.asarray(own)).all()
    assert not place(demo).locator(".demo-bars").is_visible()


def test_what_is_transparent_lies_on_white(demo):
    half = noise(32).convert("RGBA")
    half.paste((0, 0, 0, 0), (0, 0, 16, 32))
    place(demo).get_by_label("Your own picture").set_input_files([packed(half)])
    back(demo).wait_for()
    assert (seen(demo)[:, :16] == 255).all()
    assert (seen(demo)[:, 16:] == np.asarray(half)[:, 16:, :3]).all()


@pytest.mark.parametrize(
    ("event", "carrier"), [("drop", "dataTransfer"), ("paste", "clipboardData")]
)
def test_a_picture_can_be_dropped_and_pasted(demo, event, carrier):
    own = noise(32)
    demo.evaluate(
        """([name, carrier, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "a.png", { type: "image/png" }));
            const kinds = { drop: DragEvent, paste: ClipboardEvent };
            const event = new kinds[name](name, {
                [carrier]: transfer, bubbles: true, cancelable: true,
            });
            const place = document.querySelector("#experiment-demo .experiment-body");
            place.dispatchEvent(event);
            if (!event.defaultPrevented) throw new Error("the browser would open the file");
        }""",
        [event, carrier, [*packed(own)["buffer"]]],
    )
    back(demo).wait_for()
    assert (seen(demo) == np.asarray(own)).all()


@pytest.mark.parametrize("edition", ["en", "zh"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {})],
    ids=["baseline", "progressive", "png"],
)
def test_a_picture_that_is_cut_short_is_refused(page, server, edition, kind, options):
    page.goto(f"{server}/{edition}/train.html")
    page.wait_for_timeout(500)
    before = seen(page)
    file = packed(noise(64), kind, **options)
    cut = {**file, "buffer": file["buffer"][: len(file["buffer"]) * 2 // 3]}
    own = place(page).locator("input[type=file]")
    own.set_input_files([cut])
    sentence = {"en": "the end of the file is missing", "zh": "文件的末尾缺失"}[edition]
    place(page).get_by_text(sentence).wait_for()
    assert (seen(page) == before).all()
    own.set_input_files([file])
    back(page, edition).wait_for()
    assert not place(page).get_by_text(sentence).is_visible()


def test_bytes_behind_the_end_of_a_jpeg_are_no_fault(page, server):
    whole = packed(noise(16), "JPEG", exif=Image.Exif())["buffer"]
    cases = [whole, whole + b"more", whole[:-2], whole[:2], noise(2).tobytes()]
    page.goto(f"{server}/en/search.html")
    found = page.evaluate(
        """async cases => {
            const { isCutShort } = await import("/modules/shared/whole.js");
            return cases.map((bytes) => isCutShort(new Uint8Array(bytes)));
        }""",
        [[*case] for case in cases],
    )
    assert found == [False, False, True, True, False]


@pytest.mark.parametrize("size", ["", 'width="100%"', 'width="20" height="40"'])
def test_an_svg_is_seen_whole(demo, size):
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 400 800">'
        '<rect width="400" height="800" fill="#ff0000"/>'
        '<rect y="400" width="400" height="400" fill="#0000ff"/></svg>'
    )
    file = {"name": "a.svg", "mimeType": "image/svg+xml", "buffer": svg.encode()}
    place(demo).get_by_label("Your own picture").set_input_files([file])
    back(demo).wait_for()
    assert (seen(demo)[:15] == (255, 0, 0)).all()
    assert (seen(demo)[17:] == (0, 0, 255)).all()


def test_the_first_photograph_can_be_had_again(demo, looked):
    frog = looked[0][24].permute(1, 2, 0).numpy()
    own = place(demo).get_by_label("Your own picture")
    radio = place(demo).get_by_role("radio", name="frog, photograph 1")
    own.set_input_files([packed(noise(32))])
    back(demo).wait_for()
    assert not radio.is_checked()
    radio.click()
    wait_until(demo, "document.querySelector('#experiment-demo .experiment-row button').hidden")
    demo.wait_for_timeout(300)
    assert (seen(demo) == frog).all()
    assert own.input_value() == ""  # so that a browser lets the same file be chosen once more
    own.set_input_files([packed(noise(32))])
    back(demo).click()
    demo.wait_for_timeout(300)
    assert (seen(demo) == frog).all()
    assert radio.is_checked()
    assert not back(demo).is_visible()


@pytest.mark.parametrize(("edition", "sentence"), [("en", "too old to run"), ("zh", "浏览器太旧")])
def test_a_browser_that_cannot_unpack_the_network_is_told_so(page, server, edition, sentence):
    page.add_init_script("delete globalThis.DecompressionStream; delete globalThis.OffscreenCanvas")
    page.goto(f"{server}/{edition}/train.html")
    place(page).get_by_text(sentence).wait_for()
    page.wait_for_timeout(500)
    assert seen(page).std() > 10  # the photographs can be looked at all the same
    assert place(page).get_by_role("button").filter(has_text="MB").count() == 0


def test_a_network_that_cannot_be_loaded_is_said(page, server):
    page.route("**/resnet10.onnx", lambda route: route.abort())
    page.goto(f"{server}/en/train.html")
    place(page).get_by_role("button", name="Load").click()
    place(page).get_by_text("It could not be loaded").wait_for()
    assert place(page).get_by_role("button", name="Load").is_enabled()


def test_a_module_that_failed_to_load_once_can_be_loaded_again(page, server):
    page.route("**/ort.wasm.min.mjs", lambda route: route.abort(), times=1)
    page.goto(f"{server}/en/train.html")
    load = place(page).get_by_role("button", name="Load")
    load.click()
    place(page).get_by_text("It could not be loaded").wait_for()
    load.click()
    place(page).locator(".demo-bars button").first.wait_for()


def test_a_photograph_that_comes_late_takes_no_later_choice_away(demo):
    demo.evaluate("""() => {
        const decode = Image.prototype.decode;
        globalThis.held = [];
        Image.prototype.decode = function () {
            if (!this.src.includes("cifar")) return decode.call(this);
            return new Promise((resolve) => held.push(resolve)).then(() => decode.call(this));
        };
    }""")
    for name in ("ship, photograph 1", "truck, photograph 1"):
        place(demo).get_by_role("radio", name=name).click()
    demo.evaluate("held.toReversed().forEach((go, k) => setTimeout(go, 100 * k))")
    demo.wait_for_timeout(500)
    truck = seen(demo)
    place(demo).get_by_role("radio", name="ship, photograph 1").click()
    own = noise(32)
    place(demo).get_by_label("Your own picture").set_input_files([packed(own)])
    back(demo).wait_for()
    demo.evaluate("held.forEach((go) => go())")
    demo.wait_for_timeout(300)
    assert (seen(demo) == np.asarray(own)).all()
    sample = data.load("sample")
    first = sample.test_images[sample.test_labels == 9][0].permute(1, 2, 0).numpy()
    assert (truck == first).all()


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
