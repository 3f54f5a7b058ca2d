"""What the site needs beyond Sphinx: images that keep their place and wait their turn; styles that are fresh."""

import re
import shutil
import struct
from pathlib import Path


def png_size(path):
    """(width, height) of a PNG in pixels; None for other files."""
    with open(path, "rb") as file:
        head = file.read(24)
    return struct.unpack(">II", head[16:24]) if head.startswith(b"\x89PNG") else None


def settle_images(app, pagename, templatename, context, doctree):
    """Give each image its size, so that the text below does not jump; load those after the first when near."""
    if app.builder.name != "html":  # in print everything is wanted at once
        return
    sources = {name: Path(app.srcdir) / source for source, name in app.builder.images.items()}
    seen = 0

    def settled(match):
        nonlocal seen
        seen += 1
        size = None if re.search(r'\bwidth="', match[1]) else png_size(sources[match[2]])
        sized = f' width="{size[0]}" height="{size[1]}"' if size else ""
        lazy = ' loading="lazy"' if seen > 1 else ""
        return f"<img{sized}{lazy}{match[1]}>"

    body = context.get("body", "")
    context["body"] = re.sub(r'<img(\b[^>]*?\bsrc="[^"]*_images/([^"]+)"[^>]*)>', settled, body)


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


def setup(app):
    app.connect("html-page-context", settle_images)
    app.connect("html-page-context", mend_roles, priority=900)  # after the theme's
    app.connect("build-finished", refresh_static)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
