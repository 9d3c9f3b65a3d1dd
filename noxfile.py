"""The manual of the project's commands: ``nox -l`` lists them, ``nox -s NAME`` runs one.

Everything after ``--`` is passed on: ``nox -s tests -- -k conv``.
Another Python: ``nox -P 3.13 -s tests``.
"""

import itertools
import os
import shutil
import sys
import tarfile
import webbrowser
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "tests", "docs"]
nox.options.reuse_venv = "yes"

ROOT = Path(__file__).parent
BUILD = ROOT / "docs" / "_build"
SITE = BUILD / "html"
# CNNGUIDE_PINNED=1 installs the very versions that this file names; otherwise the newest.
CONSTRAINTS = ROOT / "constraints.txt"
LIGHTHOUSE = "12.2.3"  # from npm; the next major version needs Node.js 22


PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")


def install(session: nox.Session, *groups: str, extras: str = "") -> None:
    """Install the project with the dependency groups that the session needs."""
    packages = [*nox.project.dependency_groups(PYPROJECT, *groups)] if groups else []
    pins = ["-c", str(CONSTRAINTS)] if os.environ.get("CNNGUIDE_PINNED") else []
    session.install("-e", f".[{extras}]" if extras else ".", *packages, *pins)


def run_extension(session: nox.Session, module: str, *arguments: str) -> None:
    """Run a module of our Sphinx extensions as a command."""
    session.run("python", "-m", module, *arguments, env={"PYTHONPATH": str(ROOT / "docs" / "_ext")})


@nox.session
def docs(session: nox.Session) -> None:
    """Run scripts and cells once, build each language; '-- --draft' where Chinese is missing."""
    install(session, "docs", extras="gallery")
    build_site(session, *session.posargs)
    index = SITE / "index.html"
    session.log(f"The site: {index}")
    session.log(f"Open it:  {sys.executable} -m webbrowser -t {index.as_uri()}")
    if "--open" in session.posargs:
        webbrowser.open(index.as_uri())


def languages() -> list[str]:
    """List the languages of the site: the source, and one for every folder of catalogs."""
    return ["en", *sorted(p.name for p in (ROOT / "docs" / "locale").iterdir() if p.is_dir())]


def build_site(session: nox.Session, *options: str) -> None:
    """Build every edition; scripts and cells run in the first, the others show their outputs."""
    more = [a for a in options if a not in ("--open", "--draft")]
    draft = ["-D", "draft=1"] if "--draft" in options else []
    for language in languages():
        build_edition(session, language, *(draft if language != "en" else []), *more)
    run_extension(session, "translation.root_pages", str(SITE))
    run_extension(session, "page.twins", str(SITE))
    run_extension(session, "page.feed", str(SITE))
    run_extension(session, "page.wheel", str(SITE))
    run_extension(session, "page.moved", str(SITE))


def build_edition(session: nox.Session, language: str, *options: str) -> None:
    """Call Sphinx on one edition."""
    session.run(
        *("sphinx-build", "-b", "html", "-j", "auto", "-W", "--keep-going", "-q"),
        *("-D", f"language={language}", "-d", str(BUILD / "doctrees" / language)),
        *("docs", str(SITE / language.split("_")[0])),
        *options,
    )


@nox.session
def offline(session: nox.Session) -> None:
    """Put a zip, an EPUB and a PDF of each language into the site (needs Chromium, as browser)."""
    install(session, "docs", "offline", extras="gallery")
    build_site(session, *session.posargs)
    draft = ["-D", "draft=1"] if "--draft" in session.posargs else []
    for language in languages():
        folder = language.split("_")[0]
        book = BUILD / "epub" / folder
        session.run(
            *("sphinx-build", "-b", "epub", "-j", "auto", "-W", "--keep-going", "-q"),
            *("-D", f"language={language}", "-d", str(BUILD / "doctrees" / language)),
            *("docs", str(book), *(draft if language != "en" else [])),
        )
        epub = SITE / "offline" / f"cnnguide-{folder}.epub"
        run_extension(session, "offline.epub", str(book), str(epub))
        run_extension(session, "offline.cards", str(SITE), folder)
        run_extension(session, "offline.pdf", str(SITE), folder)
        run_extension(session, "offline.archive", str(SITE), folder)
    build_site(session, *session.posargs)  # the pages lead to the files now


@nox.session
def serve(session: nox.Session) -> None:
    """Rebuild a page whenever a file is saved, on http://127.0.0.1:8000; '-- zh_CN' in Chinese."""
    install(session, "docs", extras="gallery")
    (language,) = session.posargs or ["en"]
    # what a build writes must not begin the next one
    made = ("*.mo", "*/auto_examples/*", "*/gen_backrefs/*", "*/_build/*", "*/__pycache__/*")
    session.run(
        *("sphinx-autobuild", "docs", str(SITE / language.split("_")[0]), "-j", "auto"),
        *("-D", f"language={language}", "-d", str(BUILD / "doctrees" / language)),
        *("--watch", "cnnguide", "--watch", "gallery"),
        *(f"--ignore={pattern}" for pattern in made),
    )


@nox.session
def slides(session: nox.Session) -> None:
    """Make slides of every chapter from the site, one file each; builds the site if need be."""
    install(session, "docs", extras="gallery")
    if not (SITE / "sitemap.xml").exists():
        build_site(session)
    run_extension(session, "page.slides", str(SITE), str(BUILD / "slides"))


@nox.session
def translate(session: nox.Session) -> None:
    """Bring the catalogs up to date and list what has no translation; '-- ja' begins a language."""
    install(session, "docs", extras="gallery")
    build_edition(session, "en")  # the words of the figures are read from the figures
    messages = BUILD / "gettext"
    session.run(
        *("sphinx-build", "-b", "gettext", "-j", "auto", "-q", "-W", "--keep-going"),
        *("-d", str(BUILD / "doctrees" / "gettext"), "docs", str(messages)),
    )
    for language in sorted({*languages()[1:], *session.posargs}):
        session.run(
            *("sphinx-intl", "update", "-p", str(messages), "-d", "docs/locale", "-l", language),
            "--no-obsolete",
            silent=True,
        )
    run_extension(session, "translation.tidy")
    run_extension(session, "translation.catalog_check", "--list")


@nox.session
def new_chapter(session: nox.Session) -> None:
    """Begin a chapter, as in '-- zoo': its files, its catalogs, and its entries in lists."""
    install(session, "docs", extras="gallery")
    run_extension(session, "page.new_chapter", *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """Test the built site in Chromium (apt-get install chromium); builds it first if need be."""
    install(session, "docs", "browser", extras="gallery")
    if not (SITE / "sitemap.xml").exists():
        build_site(session)
    session.run(
        "pytest", *two_at_a_time(session), "--confcutdir=tests/site", "tests/site", *session.posargs
    )


@nox.session
def lighthouse(session: nox.Session) -> None:
    """Score the five heaviest pages as on a phone (needs npm, Chromium and a built site)."""
    if shutil.which("npm") is None:
        session.error("npm is missing; it comes with Node.js 18.20 or later: apt-get install npm")
    if not (SITE / "sitemap.xml").exists():
        session.error("there is no site to measure: run nox -s docs")
    folder = Path(session.create_tmp()).resolve()
    package = f"lighthouse@{LIGHTHOUSE}"
    session.run("npm", "install", "--prefix", str(folder), package, external=True, silent=True)
    program = folder / "node_modules" / ".bin" / "lighthouse"
    session.run("python", "-m", "benchmarks.lighthouse", f"--program={program}", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests and the doctests of every module and page; '-- -k conv' picks some."""
    install(session, "tests", extras="gallery,train")
    session.run("pytest", *two_at_a_time(session), *session.posargs, env={"OMP_NUM_THREADS": "1"})


def two_at_a_time(session: nox.Session) -> list[str]:
    """Have pytest run two files of tests side by side, unless the caller says how many."""
    if any(argument.startswith("-n") for argument in session.posargs):
        return []
    return ["-n", "2", "--dist", "loadfile"]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types, spelling, and that prose has one sentence per line."""
    install(session, "lint", "docs", extras="gallery")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    run_deno(session, "lint")
    run_deno(session, "fmt", "--check")
    session.run("mypy")
    session.run("codespell")
    run_extension(session, "page.one_sentence", *sorted(map(str, prose_files())))


def run_deno(session: nox.Session, *arguments: str) -> None:
    """Check or format JavaScript and CSS; deno.json has the settings, and PyPI has the program."""
    env = {"DENO_DIR": session.create_tmp(), "DENO_NO_UPDATE_CHECK": "1"}
    session.run("deno", *arguments, env=env)


@nox.session(name="format")
def format_code(session: nox.Session) -> None:
    """Format Python, JavaScript and CSS, as lint wants them."""
    install(session, "lint")
    session.run("ruff", "format", ".")
    run_deno(session, "fmt")


def prose_files() -> list[Path]:
    """List the Markdown that people read."""
    return [*ROOT.glob("docs/*.md"), *ROOT.glob("*.md")]


@nox.session
def linkcheck(session: nox.Session) -> None:
    """Follow every link out of the site (needs the network)."""
    install(session, "docs", extras="gallery")
    session.run(
        *("sphinx-build", "-b", "linkcheck", "-q", "-D", "plot_gallery=0"),
        *("-D", "nb_execution_mode=off", "docs", "docs/_build/linkcheck"),
        *session.posargs,
    )


@nox.session
def bench(session: nox.Session) -> None:
    """Print the benchmark tables; '-- convolution' runs one of them."""
    install(session, extras="gallery,train")
    names = [*itertools.takewhile(lambda a: not a.startswith("-"), session.posargs)]
    options = session.posargs[len(names) :]
    for name in names or ["convolution", "augmentation", "train"]:
        session.run("python", "-m", f"benchmarks.{name}", *options)


# The session that runs each command: what one of them says of another, it says in these names.
SESSIONS = {
    "data": "data",
    "train": "train_full",
    "predict": "predict",
    "transfer": "train_transfer",
}


def run_command(session: nox.Session, name: str) -> None:
    """Run a command of the package."""
    known = " ".join(f"{command}={found}" for command, found in SESSIONS.items())
    session.run("cnnguide", name, *session.posargs, env={"CNNGUIDE_SESSIONS": known})


@nox.session
def data(session: nox.Session) -> None:
    """Fetch the full CIFAR-10 (about 170 MB) into the cache, checked by its digest."""
    install(session, extras="train")
    run_command(session, "data")


@nox.session
def train_full(session: nox.Session) -> None:
    """Train ResNet-18 on CIFAR-10 by the article's 150 epochs; '-- --help' lists options."""
    install(session, extras="train")
    run_command(session, "train")


@nox.session
def predict(session: nox.Session) -> None:
    """Print what a trained network sees, as in '-- --run runs/latest cat.jpg'."""
    install(session, extras="gallery,train")
    run_command(session, "predict")


@nox.session
def train_transfer(session: nox.Session) -> None:
    """Measure ImageNet weights on CIFAR-10, frozen and fine-tuned; '-- --help' lists options."""
    install(session, extras="gallery,train")
    run_command(session, "transfer")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build sdist and wheel, run a script with the wheel alone, and tests from the sdist."""
    session.install("build[uv]" if session.venv_backend == "uv" else "build")
    out = Path(session.create_tmp()).resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    session.run("python", "-m", "build", "--outdir", str(out), silent=True)
    (built,), (source,) = out.glob("*.whl"), out.glob("*.tar.gz")
    if missing := tracked(session) - packed(source):
        session.error(f"{source.name} lacks {', '.join(sorted(missing))}")
    package = f"cnnguide[gallery] @ {built.as_uri()}"
    if session.venv_backend == "uv":
        session.install(package, "--reinstall-package", "cnnguide")
    else:  # pip takes a wheel of the same version for the one it has
        session.install(package)
        session.install(package, "--force-reinstall", "--no-deps")
    script = out / "copy" / "plot_conv.py"
    script.parent.mkdir()
    shutil.copy(ROOT / "gallery" / script.name, script)
    session.chdir(script.parent)
    session.run("python", "-I", script.name, env={"MPLBACKEND": "Agg"})
    session.run("cnnguide", "--version")
    session.log(f"{built.name}: {built.stat().st_size / 1e6:.1f} MB; {script.name} ran from a copy")
    with tarfile.open(source) as archive:
        archive.extractall(out, filter="data")
    session.install(*nox.project.dependency_groups(PYPROJECT, "tests"))
    # As many tests are found as here, and those of the first chapter run, doctests with them.
    session.chdir(ROOT)
    here = collected(session)
    session.chdir(out / source.name.removesuffix(".tar.gz"))
    there = collected(session)
    if lost := lost_tests(here, there, tracked(session)):
        session.error(f"{source.name} has other tests than the checkout: {', '.join(lost)}")
    session.log(f"{source.name}: {sum(there.values()):,} tests")
    session.run("pytest", "-q", "tests/test_conv.py", "cnnguide/conv.py")


def collected(session: nox.Session) -> dict[str, int]:
    """Count the tests that pytest finds in each file below the current folder."""
    listed = str(session.run("pytest", "--collect-only", "-qq", silent=True))
    lines = (line.rpartition(": ") for line in listed.splitlines())
    return {name: int(count) for name, _, count in lines if name and count.isdigit()}


def lost_tests(here: dict[str, int], there: dict[str, int], known: set[str]) -> list[str]:
    """Name the files of which an sdist has other tests; one that git does not track may differ."""
    return [
        f"{name} ({there.get(name, 0)}, not {count})"
        for name, count in here.items()
        if there.get(name) != count and (name in known or not known)
    ]


def tracked(session: nox.Session) -> set[str]:
    """List the files that git tracks, but for those that only its host reads; none without git."""
    if not (ROOT / ".git").exists():
        return set()
    git = ("git", "-C", str(ROOT), "ls-files", "-z")
    listed = session.run(*git, external=True, silent=True, log=False)
    names = str(listed).strip("\0").split("\0")
    return {name for name in names if not name.startswith((".ci/", ".github/"))}


def packed(source: Path) -> set[str]:
    """List the files of an sdist, as a checkout names them."""
    with tarfile.open(source) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


@nox.session
def pin(session: nox.Session) -> None:
    """Write constraints.txt anew: the versions that the site and the tests are built with."""
    install(session, "docs", "tests", "lint", "browser", extras="gallery,train")
    frozen = session.run("uv", "pip", "freeze", "--exclude-editable", silent=True, external=True)
    head = "# The versions this site was built with. Written by `nox -s pin`.\n"
    pins = [line for line in str(frozen).splitlines() if "==" in line]
    CONSTRAINTS.write_text(head + "\n".join(pins) + "\n", encoding="utf-8")
