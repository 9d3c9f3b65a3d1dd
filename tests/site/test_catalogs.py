"""A translation cannot drift from its message: every check is seen to fail on a planted error."""

import re

import polib
import pytest

from translation import catalog_check
from translation.catalog_check import LOCALE, catalog_faults, faults
from translation.glossary import Term, glossary
from translation.tidy import tidy

FOLDERS = [p for p in sorted(LOCALE.iterdir()) if p.is_dir()]
TERMS = {
    t.english: t
    for t in (
        Term("pooling", "池化（pooling，汇聚）"),
        Term("kernel", "卷积核（kernel，滤波器）"),
        Term("receptive field", "感受野（receptive field）"),
    )
}
MESSAGE = (
    "With $p = 1$ the {term}`kernel` of `conv2d` has 9 weights, see {ref}`train` and [it](a.html)."
)
GOOD = "当 $p = 1$ 时，`conv2d` 的{term}`卷积核 <kernel>`有 9 个权重，见 {ref}`train` 和[此处](a.html)。"


def check(translation, message=MESSAGE, *, rst=False, language="zh_CN"):
    return "; ".join(faults(message, translation, rst=rst, terms=TERMS, language=language))


def test_a_good_translation_has_no_fault():
    assert check(GOOD) == ""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (GOOD, "", "not translated"),
        ("9 个", "8 个", "lost: number 9"),
        ("$p = 1$", "$p = 2$", "lost: formula $p = 1$"),
        ("`conv2d`", "`conv3d`", "lost: code `conv2d`"),
        ("{ref}`train`", "训练一章", "lost: role ref train"),
        ("{ref}`train`", "{ref}`data`", "added: role ref data"),
        ("a.html", "b.html", "lost: link ](a.html)"),
        ("卷积核 <kernel>", "滤波器 <kernel>", "the term 'kernel' is '卷积核'"),
        ("有 9 个", "有9个", "spacing or punctuation"),
        ("时，", "时,", "punctuation"),
        ("权重，", "权重， ", "a space beside full-width punctuation"),
        ("9 个权重", '9 个"权重"', "half-width punctuation"),
        ("权重，", "权重 as it is said，", "English left"),
        ("9 个权重", "**9 个：**权重", "emphasis does not close"),
    ],
)
def test_a_planted_error_is_found(old, new, fault):
    assert old in GOOD
    assert fault in check(GOOD.replace(old, new))


def test_a_term_is_rendered_as_in_the_glossary():
    message = "Pooling widens the receptive field."
    assert check("池化会扩大感受野。", message) == ""
    assert "'汇聚' is '池化'" in check("汇聚会扩大感受野。", message)
    assert "'receptive field' is '感受野' in the glossary, and is missing" in check(
        "池化会扩大视野。", message
    )


def test_the_page_that_teaches_a_term_may_say_what_else_it_is_called():
    message = "Pooling is also called by another name."
    assert check("池化也叫汇聚。", message) == ""
    assert "'汇聚' is '池化'" in check("池化也叫采样。汇聚会丢掉位置。", message)


def test_another_language_has_no_chinese_rules():
    assert check("Une image en tout.", "A picture, whole.", language="fr") == ""
    assert "no word of the language" in check("Une image en tout.", "A picture, whole.")
    assert "lost: number 9" in check("Huit images.", "9 pictures.", language="fr")


def test_the_type_of_a_result_is_no_english_sentence():
    message = "*(int, int, int, int)* -- Top, bottom, left, right."
    assert check("*(int, int, int, int)* -- 上、下、左、右。", message, rst=True) == ""
    assert "English left" in check("上、下 (int, int, int, int) 左、右。", "A box.", rst=True)


def test_restructured_text_wants_spaces_around_code():
    message = "Images of ``N C H W``."
    assert check("形状为 ``N C H W`` 的图像。", message, rst=True) == ""
    assert "spacing" in check("形状为``N C H W``的图像。", message, rst=True)


def test_a_fuzzy_message_is_a_fault(tmp_path):
    path = tmp_path / "LC_MESSAGES" / "page.po"
    path.parent.mkdir()
    catalog = polib.POFile()
    catalog.append(polib.POEntry(msgid="A picture.", msgstr="一张图片。", flags=["fuzzy"]))
    catalog.save(str(path))
    assert [fault[:5] for _, fault in catalog_faults(path, tmp_path, {})] == ["fuzzy"]


def test_the_name_of_a_term_may_hold_signs():
    terms = {"card": Term("card", "显卡（card，C++ 卡）")}
    found = faults("A program.", "用 C++ 卡的程序。", rst=False, terms=terms, language="zh_CN")
    assert found == ["'C++ 卡' is '显卡' in the glossary"]
    also = faults("A program.", "也叫 C++ 卡。", rst=False, terms=terms, language="zh_CN")
    assert also == []


def test_what_every_message_needs_is_made_once_for_all_catalogs(tmp_path, monkeypatch, capsys):
    """There are thousands of messages, and the build of an edition checks all of them."""
    for name in ("conv", "norm", "pool"):
        path = tmp_path / "LC_MESSAGES" / f"{name}.po"
        path.parent.mkdir(exist_ok=True)
        catalog = polib.POFile()
        catalog.append(polib.POEntry(msgid="Pooling.", msgstr="汇聚。"))
        catalog.save(str(path))
    read = []
    monkeypatch.setattr(catalog_check, "glossary", lambda folder: read.append(folder) or TERMS)
    monkeypatch.delattr(catalog_check, "MarkdownIt")  # the parser is there already
    assert catalog_check.print_faults(tmp_path) == 6
    assert read == [tmp_path]
    assert capsys.readouterr().out.count("'汇聚' is '池化' in the glossary") == 3


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_the_catalogs_have_no_fault(folder):
    paths = sorted(folder.rglob("*.po"))
    assert len(paths) > 50
    terms = glossary(folder)
    found = [f"{p.stem}: {fault}" for p in paths for _, fault in catalog_faults(p, folder, terms)]
    assert found == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_the_catalogs_are_written_in_the_one_form(folder):
    texts = {p: p.read_text(encoding="utf-8") for p in sorted(folder.rglob("*.po"))}
    untidy = [path.stem for path, text in texts.items() if tidy(text, folder.name) != text]
    assert untidy == [], "python -m translation.tidy, in docs/_ext, writes them so"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_the_glossary_renders_every_term_in_its_own_way(folder):
    source = (LOCALE.parent / "glossary.md").read_text(encoding="utf-8")
    names = re.findall(r"^(\S.*)\n  \S", source, flags=re.MULTILINE)
    terms = glossary(folder)
    assert len(names) > 50
    assert sorted(terms) == sorted(names)
    heads = [term.head for term in terms.values()]
    assert len({*heads}) == len(heads)
