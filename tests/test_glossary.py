"""Each entry of the glossary is true: the section that it names introduces the term.

Introduced means: there stands a link to the entry, or the term in bold or in italics, or in a
heading, or in the bold sentence that defines the subject of the chapter.
"""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
ENTRIES = re.findall(
    r"^(\S[^\n]*)\n((?:  [^\n]*\n|\n(?=  ))+)",
    (DOCS / "glossary.md").read_text(encoding="utf-8").split(":sorted:")[1],
    re.MULTILINE,
)
TAUGHT = re.compile(r'Taught in "\{ref\}`([\w-]+)`"(?:, section "\{ref\}`([\w-]+)`")?\.')
# What a learner finds in papers and forums, each with the entry that holds it.
SYNONYMS = {
    "dense layer": "fully connected layer",
    "atrous": "dilation",
    "dilation rate": "dilation",
    "biased variance": "unbiased variance",
    "ConvNet": "convolutional neural network",
    "EMA": "exponential moving average",
    "LRN": "local response normalisation",
    "loss function": "loss",
    "parameter sharing": "weight sharing",
    "SGD": "stochastic gradient descent",
    "shortcut": "residual connection",
    "skip connection": "residual connection",
    "TTA": "test-time augmentation",
}


def stems():
    """List the chapters."""
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    return re.search(r":name: reading-order\n\n(.*?)\n:::", index, re.DOTALL)[1].split()


def sections(page):
    """Give the text under each label of a page, up to the next heading."""
    text = re.sub(
        r"^```.*?^```$", "", (DOCS / f"{page}.md").read_text(encoding="utf-8"), flags=re.M | re.S
    )
    found, labels = {}, []
    for block in re.split(r"^(?=\([\w-]+\)=$)", text, flags=re.MULTILINE):
        label = re.match(r"\(([\w-]+)\)=\n", block)
        if label is None:
            continue
        labels.append(label[1])
        body = block[label.end() :]
        if body.strip():  # two labels may stand above one heading
            found.update(dict.fromkeys(labels, body))
            labels = []
    return found


def introduced(name, text):
    """Tell whether a text introduces a term."""
    if re.search(rf"\{{term\}}`(?:[^`<]*<)?{re.escape(name)}>?`", text):
        return True
    marked = [
        *re.findall(r"^#+ (.*)$", text, re.MULTILINE),
        *(bold for bold in re.findall(r"\*\*(.+?)\*\*", text, re.DOTALL)),
        *re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", text),
    ]
    return any(re.search(rf"\b{re.escape(name)}", m, re.IGNORECASE) for m in marked)


@pytest.mark.parametrize(("name", "body"), ENTRIES, ids=[name for name, _ in ENTRIES])
def test_the_section_that_an_entry_names_introduces_the_term(name, body):
    page, section = TAUGHT.search(body).groups()
    assert page in stems()
    found = sections(page)
    text = "\n".join(found.values()) if section is None else found.get(section, "")
    assert text, f"docs/{page}.md has no section {section}"
    assert introduced(name, text), f"{section or page} does not introduce {name!r}"


@pytest.mark.parametrize(("synonym", "entry"), SYNONYMS.items())
def test_an_entry_holds_the_other_names_of_its_term(synonym, entry):
    assert synonym in dict(ENTRIES)[entry]
