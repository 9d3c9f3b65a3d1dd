"""What is said of a cell that failed."""

import pytest
from jupyter_cache.executors.utils import single_nb_execution
from nbformat.v4 import new_code_cell, new_notebook

from page.faults import explain

PAGE = "# A page\n\n```{code-cell} python\nimport torch\nx = torch.zeros(2)\n```\n\n" \
       "```{code-cell} python\n# the second\n\nCALL\n```\n"  # fmt: skip


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("x @ torch.zeros(3)", "RuntimeError: "),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ValueError('one\\n\\ntwo')", "ValueError: one\n\ntwo"),
        ("assert x.sum() == 1", "AssertionError"),
        ("x x", "SyntaxError: invalid syntax"),
    ],
)
def test_a_failed_cell_is_told_by_its_line_and_its_exception(call, error, tmp_path):
    page = PAGE.replace("CALL", call)
    cells = [part.partition("\n```")[0] for part in page.split("{code-cell} python\n")[1:]]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3"}
    ran = single_nb_execution(notebook, cwd=str(tmp_path), allow_errors=False, timeout=60)
    line, words = explain(page, ran.exc_string)
    code, _, exception = words.partition("\n")
    assert (line, code) == (11, call)
    assert exception.startswith(error)
    assert "\x1b" not in words


def test_without_a_cell_the_last_line_is_told():
    text = "Traceback (most recent call last):\n  File ...\nDeadKernelError: Kernel died\n"
    assert explain("# A page\n", text) == (1, "DeadKernelError: Kernel died")
