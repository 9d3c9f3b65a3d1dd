"""The feed of changes: its form, its dates, and that only a site with an address has one."""

import subprocess
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from conftest import ROOT, SITE
from page.feed import CHANGELOG, NAME, Change, changes, feed, name_feed, title_of, write_feed
from translation.editions import published

ATOM = "{http://www.w3.org/2005/Atom}"
PLACE = "https://example.org/guide/"


def git(folder, *arguments, date="2026-01-02T03:04:05+00:00"):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    environment = {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date, "PATH": "/usr/bin:/bin"}
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, env=environment)


@pytest.fixture
def log(tmp_path):
    """A changelog of two commits in a repository of its own."""
    path = tmp_path / "CHANGELOG.md"
    git(tmp_path, "init", "--quiet")
    path.write_text("# Changelog\n\n## 0.2 (unreleased)\n\n- Old `a < b`.\n", encoding="utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    text = path.read_text(encoding="utf-8").replace("- Old", "- New & *bold*.\n- Old")
    path.write_text(text, encoding="utf-8")
    git(tmp_path, "commit", "--quiet", "-a", "--message", "two", date="2026-03-04T05:06:07+00:00")
    return path


def test_a_line_is_as_old_as_the_commit_that_wrote_it(log):
    assert changes(log) == [
        Change("New & *bold*.", "0.2 (unreleased)", datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)),
        Change("Old `a < b`.", "0.2 (unreleased)", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ]


def test_outside_of_git_all_lines_are_as_old_as_the_file(log, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    written = datetime.fromtimestamp(log.stat().st_mtime, UTC)
    assert [change.date for change in changes(log)] == [written, written]


def test_where_there_is_no_repository_all_lines_are_as_old_as_the_file(tmp_path, capsys):
    path = tmp_path / "CHANGELOG.md"
    path.write_text("## 1\n\n- One.\n", encoding="utf-8")
    assert changes(path)[0].date == datetime.fromtimestamp(path.stat().st_mtime, UTC)
    assert capsys.readouterr().err == ""


def test_a_clone_without_the_older_commits_is_told_and_dates_nothing(log, tmp_path, capsys):
    git(tmp_path, "clone", "--quiet", "--depth=1", tmp_path.as_uri(), "part")
    path = tmp_path / "part" / log.name
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    assert [change.date for change in changes(path)] == [written, written]
    assert capsys.readouterr().err == (
        "warning: the feed has no dates of CHANGELOG.md: the clone lacks the older commits; "
        "git fetch --unshallow gets them\n"
    )


def test_what_else_git_fails_at_is_told(tmp_path, capsys):
    git(tmp_path, "init", "--quiet")
    path = tmp_path / "CHANGELOG.md"
    path.write_text("## 1\n\n- One.\n", encoding="utf-8")
    assert changes(path)[0].date == datetime.fromtimestamp(path.stat().st_mtime, UTC)
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("warning: the feed has no dates of CHANGELOG.md: no such ")


def test_the_title_of_an_entry_is_its_first_paragraph_on_one_line():
    assert title_of("Two lines,\none *change*.\n\n```sh\n- no change\n```") == (
        "Two lines, one change."
    )


def test_entries_are_read_as_markdown(tmp_path):
    path = tmp_path / "CHANGELOG.md"
    path.write_text(
        """2.0
---

- Two lines,
  one change.

  ```sh
  - no change
  ```
* Another
  - with a part

```
## no version
- no change
```

1.0
---
1. The first.
2.	A\u2028B
""",
        encoding="utf-8",
    )
    assert sorted((change.version, change.text) for change in changes(path)) == [
        ("1.0", "A\u2028B"),
        ("1.0", "The first."),
        ("2.0", "Another\n- with a part"),
        ("2.0", "Two lines,\none change.\n\n```sh\n- no change\n```"),
    ]


def test_an_entry_of_two_lines_is_as_old_as_the_newer(log, tmp_path):
    log.write_text(log.read_text("utf-8").replace("New & *bold*.", "New & *bold*,\n  and more."))
    git(tmp_path, "commit", "--quiet", "-a", "--message", "3", date="2026-05-06T07:08:09+00:00")
    assert changes(log)[0].date == datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_a_change_above_the_first_version_is_refused(tmp_path):
    path = tmp_path / "CHANGELOG.md"
    path.write_text("# Changelog\n\n- Lost.\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"CHANGELOG.md:3: a change must stand below a version"):
        changes(path)


def test_a_feed_has_what_the_standard_asks_of_it(log):
    root = ET.fromstring(feed(changes(log), PLACE))
    assert root.tag == f"{ATOM}feed"
    assert root.findtext(f"{ATOM}id") == f"{PLACE}{NAME}"
    assert root.findtext(f"{ATOM}updated") == "2026-03-04T05:06:07+00:00"
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links == {"self": f"{PLACE}{NAME}", "alternate": PLACE}
    entries = root.findall(f"{ATOM}entry")
    assert [e.findtext(f"{ATOM}title") for e in entries] == ["New & bold.", "Old a < b."]
    contents = [e.find(f"{ATOM}content") for e in entries]
    assert [c.get("type") for c in contents] == ["html", "html"]
    assert contents[1].text.strip() == "<p>Old <code>a &lt; b</code>.</p>"
    names = [e.findtext(f"{ATOM}id") for e in entries]
    assert len({*names}) == 2 and all(name.startswith(PLACE) for name in names)


def test_an_entry_keeps_its_name_when_others_come(log):
    new, old = changes(log)
    alone = ET.fromstring(feed([old], PLACE)).find(f"{ATOM}entry/{ATOM}id").text
    assert ET.fromstring(feed([new, old], PLACE)).findall(f"{ATOM}entry/{ATOM}id")[1].text == alone


def test_only_a_site_that_knows_its_address_has_a_feed(tmp_path, monkeypatch):
    context = {}
    monkeypatch.setenv("CNNGUIDE_URL", "https://example.org/guide")
    write_feed(tmp_path)
    name_feed(SimpleNamespace(), "conv", "page.html", context, None)
    assert context["feed"] == f"{PLACE}{NAME}" and (tmp_path / NAME).exists()
    monkeypatch.delenv("CNNGUIDE_URL")
    write_feed(tmp_path)
    name_feed(SimpleNamespace(), "conv", "page.html", context, None)
    assert not context["feed"] and not (tmp_path / NAME).exists()


def test_our_own_changelog_becomes_a_feed():
    found = changes(CHANGELOG)
    page = MarkdownIt("commonmark").render((ROOT / "CHANGELOG.md").read_text("utf-8"))
    assert len(found) == len(BeautifulSoup(page, "html.parser").select("h2 ~ ul > li")) > 10
    entries = ET.fromstring(feed(found, PLACE)).findall(f"{ATOM}entry")
    assert all(len(entry.findtext(f"{ATOM}title")) <= 91 for entry in entries)
    dates = [entry.findtext(f"{ATOM}updated") for entry in entries]
    assert dates == sorted(dates, reverse=True)


def test_the_pages_lead_to_the_feed_if_the_site_has_one():
    text = (SITE / "en" / "conv.html").read_text(encoding="utf-8")
    assert ('type="application/atom+xml"' in text) == published() == (SITE / NAME).exists()
