"""A pull request has a preview: CI hands out its site, and says where, before the site is tested."""

import os
import subprocess

import yaml

from conftest import ROOT

STEPS = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))[
    "jobs"
]["site"]["steps"]


def position(words):
    return next(k for k, step in enumerate(STEPS) if words in step.get("run", ""))


def test_the_site_is_handed_out_after_it_is_built_and_before_its_tests():
    (upload,) = (k for k, s in enumerate(STEPS) if "upload-artifact" in s.get("uses", ""))
    assert position("nox -s docs") < upload < position("PREVIEW") < position("nox -s browser")
    assert STEPS[upload]["with"]["path"] == "docs/_build/html"


def test_the_summary_leads_to_the_site(tmp_path):
    step = STEPS[position("PREVIEW")]
    (upload,) = (s for s in STEPS if "upload-artifact" in s.get("uses", ""))
    assert step["env"] == {"PREVIEW": f"${{{{ steps.{upload['id']}.outputs.artifact-url }}}}"}
    summary = tmp_path / "summary.md"
    environment = {"PREVIEW": "https://example.org/site.zip", "GITHUB_STEP_SUMMARY": str(summary)}
    subprocess.run(["bash", "-c", step["run"]], check=True, env={**os.environ, **environment})
    assert summary.read_text(encoding="utf-8") == (
        "[Preview of the site](https://example.org/site.zip): unpack it and open `index.html`.\n"
    )
