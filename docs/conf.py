"""How Sphinx builds these pages; `make docs` does.

The root of the repository is Sphinx's source folder, so that links and pictures are written as they
are for readers of the repository, and cards, READMEs of data sets and CONTRIBUTING are pages.
"""

import contextlib
import functools
import importlib
import io
import os
import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.addnodes import pending_xref

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras_mtl  # noqa: E402
from keras_mtl.cli import main  # noqa: E402
from keras_mtl.study import RecordedStudy  # noqa: E402

project = "keras_mtl"
author = "the developers of keras_mtl"
release = version = keras_mtl.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "applications/*.md",
    "keras_mtl/datasets/*/README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
]
exclude_patterns = ["docs/_build", "**.py", "**.png"]

html_theme = "furo"
html_static_path = ["pages.css"]
html_css_files = ["pages.css"]
# Formulas that browsers draw themselves: no script is fetched from anywhere.
html_math_renderer = "mathml"
html_title = "keras_mtl"
html_show_copyright = False
toc_object_entries_show_parents = "hide"
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

autodoc_default_options = {"members": True, "member-order": "bysource"}
# Else `get_config` and its like would show what Keras says of them, in its own mark-up.
autodoc_inherit_docstrings = False
# Types stand in the docstrings, in words.
autodoc_typehints = "none"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [
    "Source",
    ("Call arguments", "params_style"),
    ("Update arguments", "params_style"),
]
# What is not ours is documented elsewhere, and other sites cannot be asked while building.
nitpick_ignore_regex = [("py:.*", r"(?!keras_mtl\b).*")]

FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
DOCTEST = re.compile(r"^ *>>> .*?(?=\n *\n|\Z)", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
# What reStructuredText would take for mark-up: bars, and the stars of products and **arguments.
MARK_UP = re.compile(r"\||\*(?=\*?\w+[:,])|(?<=\s)\*(?=\s)")
HERE = Path(__file__).parent


def as_restructured_text(app, what, name, obj, options, lines):
    """Our docstrings are written as Markdown is: `code`, and fenced blocks."""
    text, found = "\n".join(lines), []

    def keep(text):
        found.append(text)
        return f"\0{len(found) - 1}\0"

    def directive(match):
        indent, language, code = match.groups()
        body = "".join(f"   {line}\n" if line.strip() else "\n" for line in code.splitlines())
        return keep(f"{indent}.. code-block:: {language or 'text'}\n\n{body}")

    text = DOCTEST.sub(lambda match: keep(match[0]), FENCED.sub(directive, text))
    outside = CODE.split(text)
    for place in range(0, len(outside), 2):
        outside[place] = MARK_UP.sub(r"\\\g<0>", outside[place])
    # A letter right behind code, as in a plural, would keep it from being code.
    for place in range(1, len(outside), 2):
        escape = "\\ " if re.match(r"\w", outside[place + 1]) else ""
        outside[place] = f"``{outside[place]}``{escape}"
    text = "".join(outside)
    text = re.sub("\0(\\d+)\0", lambda match: found[int(match[1])], text)
    lines[:] = text.split("\n")


def public_names():
    """From what a text may call a public thing to its full name; ambiguous names are left out."""
    names = {}
    for page in sorted((HERE / "api").glob("*.md")):
        for module in re.findall(r"automodule:: (\S+)", page.read_text()):
            package = importlib.import_module(module)
            for name in getattr(package, "__all__", vars(package)):
                found = getattr(package, name)
                if name.startswith("_") or not callable(found):
                    continue
                if not hasattr(package, "__all__") and found.__module__ != module:
                    continue  # What it has imported.
                full = f"{module}.{name}"
                short = full.removeprefix("keras_mtl.")
                for each in {full, short, name} - {"load"}:
                    names.setdefault(each, set()).add(full)
    return {name: full.pop() for name, full in names.items() if len(full) == 1}


def link_names(app, doctree):
    """Makes code that is the name of something public a link to it."""
    names = app.env.keras_mtl_names
    for code in list(doctree.findall(nodes.literal)):
        target = names.get(code.astext().removesuffix("()"))
        if target is None or isinstance(code.parent, (nodes.reference, nodes.title)):
            continue
        link = app.env.keras_mtl_link(refdoc=app.env.docname, reftarget=target)
        code.replace_self(link)
        link += code


def skip_member(app, what, name, obj, skip, options):
    """Fields of named tuples, of which Python says no more than their numbers; what Keras has."""
    if "Alias for field number" in (getattr(obj, "__doc__", "") or ""):
        return True
    return None if _module_of(obj).startswith("keras_mtl") else True


def _module_of(member):
    function = getattr(member, "fget", None) or getattr(member, "func", None) or member
    return getattr(function, "__module__", None) or "keras_mtl"


class Help(Directive):
    """What the command answers to `--help`, as in a terminal of 80 columns."""

    optional_arguments = 1

    def run(self):
        os.environ.update(COLUMNS="80", NO_COLOR="1")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = main([*self.arguments, "--help"])
        if code:
            raise self.error(f"keras-mtl {self.arguments} --help: exit code {code}")
        text = "\n".join(line.rstrip() for line in printed.getvalue().splitlines())
        return [nodes.literal_block(text, text, language="text")]


def inline_formula(writer, node):
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def formula(writer, node):
    writer.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def start(app, env, docnames):
    env.keras_mtl_names = public_names()
    env.keras_mtl_link = functools.partial(
        pending_xref, refdomain="py", reftype="obj", refexplicit=True, refwarn=True
    )


def add_title(app, docname, source):
    """READMEs of data sets have none, for TFDS shows them below the name."""
    match = re.fullmatch(r"keras_mtl/datasets/(\w+)/README", docname)
    if match:
        source[0] = f"# `{match[1]}`\n\n{source[0]}"


def example(app, exception):
    """The page of a comparison that `make docs` draws from the records of its folder."""
    if exception is None and app.builder.name == "html":
        found = RecordedStudy(HERE / "example").found()
        found.report(Path(app.outdir, "docs", "example.html"))


def redirect(app, exception):
    """The first page stands in `docs/`, and is looked for at the top."""
    if exception is None and app.builder.name == "html":
        page = '<meta http-equiv="refresh" content="0; url=docs/index.html">\n'
        Path(app.outdir, "index.html").write_text(page)


def setup(app):
    app.add_directive("help-of", Help)
    app.add_html_math_renderer("mathml", (inline_formula, None), (formula, None))
    # Before napoleon, which takes docstrings apart into fields.
    app.connect("autodoc-process-docstring", as_restructured_text, priority=400)
    app.connect("autodoc-skip-member", skip_member)
    app.connect("env-before-read-docs", start)
    app.connect("source-read", add_title)
    app.connect("doctree-read", link_names)
    app.connect("build-finished", redirect)
    app.connect("build-finished", example)
