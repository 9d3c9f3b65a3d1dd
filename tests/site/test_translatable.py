"""What Sphinx leaves in English is translated too: comments, figures' words, downloads."""

import ast
import json
import re
import subprocess
import sys
import zipfile

import nbformat
import polib
import pytest
from nbclient import NotebookClient
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

import translation.parsed_once as parsed_once
from cnnguide.show import with_numbers, without_numbers
from conftest import ROOT, SITE
from gallery.downloads import translated_script, write_archive
from gallery.figure_words import centred, messages_of, words_of
from gallery.fonts import Fonts, width
from page.experiments.bundle import modules_of
from page.experiments.directive import messages_of_experiment
from translation.comments import comments, translate_comments

SCRIPTS = sorted([*(ROOT / "gallery").glob("plot_*.py"), *(ROOT / "gallery").glob("draw_*.py")])
FIGURES = ROOT / "docs" / "auto_examples" / "images"
HAN = re.compile("[\u4e00-\u9fff]")
WORD = re.compile(r"[A-Za-z][\w+-]*")
# What figures say alike in every language: the names of networks, layers, types, and people's.
NAMES = {
    *("LeNet-5", "AlexNet", "VGG-11", "VGG-13", "VGG-16", "VGG-19"),
    *("ResNet-18", "ResNet-34", "ResNet-50", "ImageNet", "CIFAR", "Python", "PyTorch"),
    *("conv1", "conv2", "fc", "fc1", "fc2", "fc3", "bn1", "layer1", "layer2", "layer3", "layer4"),
    *("BatchNorm", "LayerNorm", "InstanceNorm", "MixUp", "CutMix", "num_workers", "dataset"),
    *("ReLU", "leaky", "GELU", "SiLU", "sigmoid", "tanh", "sobel", "x", "y"),
    *("SGD", "Nesterov", "Adam", "AdamW", "Muon", "He", "Xavier"),
    *("float32", "float16", "bfloat16"),
}
EXPERIMENTS = ROOT / "docs" / "_ext" / "page" / "experiments"


def test_the_texts_of_an_experiment_are_those_of_all_its_modules():
    conv, mix = map(messages_of_experiment, ("conv", "mix"))
    assert {"Stride", "Products", "{0} pixels per second"} <= {*conv}  # of three modules
    assert "airplane" in mix  # of a module that experiments share,
    assert "airplane" not in conv  # but not all of them
    assert len({*conv}) == len(conv)
    for name in ("conv", "mix"):
        folders = {path.parent.name for path in modules_of(EXPERIMENTS / name / "experiment.js")}
        assert folders == {name, "shared"}


def test_comments_are_found_and_code_is_not():
    code = (
        'x = "# no comment"  # the first word\n# two lines\n# of one comment\ny = 1  # fmt: skip\n'
    )
    assert [words for *_, words in comments(code, "python")] == [
        "the first word",
        "two lines of one comment",
    ]
    made = translate_comments(code, "python", {"the first word": "第一个词"})
    assert made == code.replace("the first word", "第一个词")
    assert [*comments("# some words", "none")] == []
    assert [*comments("# sphinx_gallery_thumbnail_number = 2", "python")] == []


def test_numbers_are_kept_out_of_messages():
    message, numbers = without_numbers("kernel 3: -5.5 places in ResNet-18")
    assert (message, numbers) == ("kernel {0}: {1} places in ResNet-18", ["3", "-5.5"])
    assert with_numbers("{1} 处，核 {0}", numbers) == "-5.5 处，核 3"


def test_a_glyph_that_no_font_has_is_missed():
    assert Fonts("卷积 3×3 λ").missing == set()
    assert Fonts("卷积 \u1780").missing == {"\u1780"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_a_translated_script_is_the_same_code(script):
    made = translated_script(script, lambda message: f"译：{message}")
    old, new = (ast.parse(text) for text in (script.read_text(encoding="utf-8"), made))
    assert ast.get_docstring(new).startswith("译：")
    old.body.pop(0)
    new.body.pop(0)
    assert ast.dump(old) == ast.dump(new)


def downloads(suffix):
    return {p.name: p for p in (SITE / "zh" / "_downloads").glob(f"*/*{suffix}")}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_the_chinese_downloads_are_chinese_and_the_same_code(script):
    made = downloads(".py")[script.name].read_text(encoding="utf-8")
    assert HAN.search(ast.get_docstring(ast.parse(made)).splitlines()[0])
    said = [words for *_, words in comments(made, "python")]
    assert all(HAN.search(words) for words in said), said
    trees = [ast.parse(made), ast.parse(script.read_text(encoding="utf-8"))]
    assert len({ast.dump(ast.Module(tree.body[1:], [])) for tree in trees}) == 1
    notebook = json.loads(downloads(".ipynb")[f"{script.stem}.ipynb"].read_text(encoding="utf-8"))
    texts = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"]
    assert texts and all(HAN.search(text) for text in texts)
    with zipfile.ZipFile(downloads(".zip")[f"{script.stem}.zip"]) as archive:
        assert archive.read(script.name).decode() == made


def test_a_chinese_script_runs(tmp_path):
    subprocess.run(
        [sys.executable, "-I", str(downloads(".py")["plot_conv.py"])],
        cwd=tmp_path,
        env={"MPLBACKEND": "Agg", "PATH": "", "HOME": str(tmp_path)},
        check=True,
    )


def test_a_chinese_notebook_runs():
    notebook = nbformat.read(downloads(".ipynb")["plot_conv.ipynb"], as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert any("image/png" in o.get("data", {}) for o in outputs)


@pytest.mark.parametrize("name", ["draw_train", "draw_conv", "draw_data"])
def test_a_chinese_notebook_draws_the_words_of_the_site(tmp_path, name):
    notebook = nbformat.read(downloads(".ipynb")[f"{name}.ipynb"], as_version=4)
    # as SVG, to read the words, and as PNG, for which every glyph is needed
    both = nbformat.v4.new_code_cell("%config InlineBackend.figure_formats = ['svg', 'png']")
    notebook.cells.insert(1, both)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o["text"] for o in outputs if o.get("name") == "stderr"]  # a glyph that is missing
    drawn = [o["data"]["image/svg+xml"] for o in outputs if "image/svg+xml" in o.get("data", {})]
    shown = sorted((SITE / "zh" / "_images").glob(f"sphx_glr_{name}_[0-9]*.svg"))
    assert len(drawn) == len(shown) > 1
    for one, other in zip(drawn, shown, strict=True):
        assert words_of(one) == words_of(other.read_text(encoding="utf-8"))
    assert HAN.search("".join(drawn))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_a_chinese_notebook_has_all_words_of_its_figures(script):
    notebook = json.loads(downloads(".ipynb")[f"{script.stem}.ipynb"].read_text(encoding="utf-8"))
    tree = ast.parse("".join(notebook["cells"][1]["source"]))
    words = ast.literal_eval(tree.body[-1].value.args[0])
    figures = FIGURES.glob(f"sphx_glr_{script.stem}_[0-9]*.svg")
    assert {*words} == {message for figure in figures for message in messages_of(figure)}
    for message, said in words.items():
        assert HAN.search(said) or (said == message and {*WORD.findall(message)} <= NAMES), message


@pytest.mark.parametrize("figure", sorted(FIGURES.glob("*.svg")), ids=lambda p: p.stem)
def test_a_figure_says_in_chinese_what_it_says_in_english(figure):
    shown = SITE / "zh" / "_images" / figure.name
    english, chinese = (words_of(p.read_text(encoding="utf-8")) for p in (figure, shown))
    assert len(english) == len(chinese)
    to_say = set(messages_of(figure))
    for old, new in zip(english, chinese, strict=True):
        if without_numbers(old)[0] in to_say:
            assert sorted(without_numbers(old)[1]) == sorted(without_numbers(new)[1]), (old, new)
        else:
            assert old == new
    assert ("@font-face" in shown.read_text(encoding="utf-8")) == bool(chinese)


def test_only_the_first_edition_ran_anything():
    runs = {
        language: json.loads((SITE.parent / f"runs-{language}.json").read_text(encoding="utf-8"))
        for language in ("en", "zh_CN")
    }
    assert runs["zh_CN"]["known"] == {
        "scripts": len(SCRIPTS),
        "pages": runs["en"]["known"]["pages"],
    }
    assert runs["zh_CN"]["known"]["pages"] >= 15
    assert runs["zh_CN"]["ran"] == {"scripts": [], "pages": []}


def test_centred_lines_stay_centred_whatever_their_words():
    style = "font-size: 10px; font-family: 'DejaVu Sans'"
    line = f'<text style="{style}" transform="translate({{}} 5)">{{}}</text>'
    wide, narrow = width("wide words"), width("ii")
    start = 40 + 10 * (wide - narrow) / 2
    group = '<g id="text_1">\n{}\n{}\n</g>'
    made = centred(group.format(line.format(40, "wide words"), line.format(start, "ii")))
    assert made.count("text-anchor: middle") == 2
    assert len(set(re.findall(r"translate\((\S+) 5\)", made))) == 1
    ragged = group.format(line.format(40, "wide words"), line.format(40, "ii"))
    assert centred(ragged) == ragged


def test_a_translation_is_parsed_once_by_a_parser_that_the_page_has(tmp_path, monkeypatch):
    """Sphinx asks for a paragraph twice, once for each of the two that are alike."""
    words = {
        "A title": "标题",
        "A [*link*](https://example.org) and `code`.": "一个[**链接**](https://example.org)和 `code`。",
        "The same.": "一样。",
    }
    title, link, same = words
    (tmp_path / "index.md").write_text(f"# {title}\n\n{link}\n\n{same}\n\n- {same}\n")
    (tmp_path / "conf.py").write_text("nb_execution_mode = 'off'\n")
    catalog = polib.POFile()
    catalog.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    catalog.extend(polib.POEntry(msgid=old, msgstr=new) for old, new in words.items())
    folder = tmp_path / "locales" / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalog.save_as_mofile(str(folder / "index.mo"))
    parsers, parsed = [], []

    def counting(*arguments):
        parser = create(*arguments)
        render = parser.render
        parser.render = lambda text: (parsed.append(text), render(text))
        parsers.append(parser)
        return parser

    create = parsed_once.create_md_parser
    monkeypatch.setattr(parsed_once, "create_md_parser", counting)

    def read(*extensions):
        out = tmp_path / "out" / str(len(extensions))
        settings = {"language": "zh_CN", "extensions": ["myst_nb", *extensions]}
        with docutils_namespace():
            app = Sphinx(
                tmp_path, tmp_path, out, out, "dummy", settings, status=None, warningiserror=True
            )
            app.build()
            return app.env.get_doctree("index").pformat()

    made = read("translation.parsed_once")
    assert len(parsers) == 1
    assert sorted(parsed) == sorted([words[title], words[link], words[same], words[same]])
    assert "标题" in made and "链接" in made and "The same" not in made
    assert made == read()


def test_an_archive_of_the_same_files_is_the_same_whenever_it_is_made(tmp_path):
    for k, date in enumerate([(2025, 1, 2, 3, 4, 6), (2026, 1, 2, 3, 4, 6)]):
        with zipfile.ZipFile(tmp_path / f"old{k}.zip", "w") as archive:
            for name in ("plot_zoo.py", "images/cat.txt"):
                archive.writestr(zipfile.ZipInfo(name, date), "import cnnguide\n" * 99)
        (tmp_path / "plot_zoo.py").write_text("# 动物\n" * 99, encoding="utf-8")
        write_archive(tmp_path / f"old{k}.zip", tmp_path, tmp_path / f"{k}.zip")
    first, second = ((tmp_path / f"{k}.zip").read_bytes() for k in range(2))
    assert first == second
    assert len(first) < 1000  # compressed
    with zipfile.ZipFile(tmp_path / "0.zip") as archive:
        assert archive.namelist() == ["plot_zoo.py", "images/cat.txt"]
        assert archive.read("plot_zoo.py").decode() == "# 动物\n" * 99
        assert archive.read("images/cat.txt") == b"import cnnguide\n" * 99
