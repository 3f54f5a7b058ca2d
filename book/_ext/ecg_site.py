"""What the site needs beyond Sphinx: images that keep their place and wait their turn; styles that are fresh;
pages that ask no other host for anything."""

import base64
import hashlib
import re
import shutil
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image


def settle_images(app, pagename, templatename, context, doctree):
    """Give each image its size, so that the text below does not jump; load those after the first when near.

    Figures go out as lossless WebP where that is smaller, and nearly always it is.
    """
    if app.builder.name != "html":  # in print everything is wanted at once
        return
    sources = {name: Path(app.srcdir) / source for source, name in app.builder.images.items()}
    seen, smaller_ones = 0, {}

    def settled(match):
        nonlocal seen
        seen += 1
        name, sized = match[2], ""
        if name.endswith(".png"):
            with Image.open(sources[name]) as image:
                if not re.search(r'\bwidth="', match[0]):
                    sized = ' width="{}" height="{}"'.format(*image.size)
                smaller = Path(app.outdir) / "_images" / f"{name.removesuffix('.png')}.webp"
                smaller.parent.mkdir(exist_ok=True)
                with suppress(ValueError):  # WebP has no more than 16 383 pixels to a side
                    image.save(smaller, lossless=True)
            if smaller.exists() and smaller.stat().st_size < sources[name].stat().st_size:
                smaller_ones[name] = smaller.name
            else:
                smaller.unlink(missing_ok=True)
        lazy = ' loading="lazy"' if seen > 1 else ""
        return f"<img{sized}{lazy}{match[1]}>"

    body = context.get("body", "")
    body = re.sub(r'<img(\b[^>]*?\bsrc="[^"]*_images/([^"]+)"[^>]*)>', settled, body)
    for name, smaller in smaller_ones.items():  # in links to a picture, too
        body = body.replace(f"_images/{name}", f"_images/{smaller}")
    context["body"] = body


def drop_larger_images(app, error):
    """Take those away that a smaller file stands in for."""
    for smaller in (Path(app.outdir) / "_images").glob("*.webp"):
        smaller.with_suffix(".png").unlink(missing_ok=True)


def mend_roles(app, pagename, templatename, context, doctree):
    """For screen readers: a name for the sidebar's toggles, and no list that is none."""
    if "generate_toctree_html" in context:
        original = context["generate_toctree_html"]
        name = '<summary aria-label="Show or hide the pages below">'
        context["generate_toctree_html"] = lambda *a, **k: str(original(*a, **k)).replace("<summary>", name)
    # docutils' bibliography: its entries have a role of their own that may not stand in a list
    context["body"] = context.get("body", "").replace('<div role="list" class="citation-list">', "<div>")


def refresh_static(app, error):
    """Copy styles and scripts also where no page has changed, which Sphinx leaves out."""
    if not error and app.builder.name == "html":
        ours = Path(__file__).parents[1] / "_static"
        shutil.copytree(ours, Path(app.outdir) / "_static", dirs_exist_ok=True)


# What a page may load: files of this site, and the scripts that it was built with. Their sums are added.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-hashes' {}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
)


class Inline(HTMLParser):
    """The scripts that stand in a page itself, those of its buttons included."""

    def __init__(self, text):
        super().__init__(convert_charrefs=False)
        self.scripts, self.inside = set(), False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.inside = tag == "script"
        self.scripts.update(value for name, value in attributes if name.startswith("on"))

    def handle_data(self, data):
        if self.inside:
            self.scripts.add(data)
            self.inside = False


def keep_to_itself(app, error):
    """Write a Content-Security-Policy into each page: what comes from elsewhere is refused."""
    if error or app.builder.name != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" in path.relative_to(app.outdir).parts:
            continue
        text = path.read_text(encoding="utf-8")
        sums = (hashlib.sha256(script.encode()).digest() for script in Inline(text).scripts)
        named = " ".join(sorted(f"'sha256-{base64.b64encode(one).decode()}'" for one in sums))
        if "live/start.js" in text:  # TensorFlow.js tries WebAssembly for whole numbers of 64 bits
            named += " 'wasm-unsafe-eval'"
        meta = f'\\n    <meta http-equiv="Content-Security-Policy" content="{POLICY.format(named)}" />'
        head = r'(<meta charset="utf-8" />)(\s*<meta http-equiv="Content-Security-Policy"[^>]*>)?'
        path.write_text(re.sub(head, rf"\1{meta}", text, count=1), encoding="utf-8")


def setup(app):
    app.connect("html-page-context", settle_images)
    app.connect("html-page-context", mend_roles, priority=900)  # after the theme's
    app.connect("build-finished", refresh_static)
    app.connect("build-finished", keep_to_itself)
    app.connect("build-finished", drop_larger_images)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
