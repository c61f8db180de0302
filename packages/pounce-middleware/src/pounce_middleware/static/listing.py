"""A page that lists a folder. Names in it were chosen by others: everything is escaped, and nothing can run."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from pounce_middleware.static.request_path import file_path

if TYPE_CHECKING:
    from pounce_middleware.static.directory import Directory
    from pounce_middleware.static.request_path import FilePath

__all__ = ["LISTING_HEADERS", "MOST_LISTED", "list_folder"]

MOST_LISTED: Final = 5000
"""Entries of a folder that are shown: the page is made in memory."""

LISTING_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-robots-tag", b"noindex"),
)

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>body{{font:1rem/1.6 system-ui,sans-serif;margin:2rem auto;max-width:50rem;padding:0 1rem}}</style>
</head><body><h1>{title}</h1><ul>
{items}
</ul>{rest}</body></html>
"""


def list_folder(directory: Directory, names: FilePath, *, hidden: bool) -> bytes:
    """The page for a folder, sorted by name, folders first; only what can be asked for. It blocks.

    Raises:
        NoSuchFile: there is no such folder any more.
        OSError: the system failed.
    """
    found = directory.names(names, most=MOST_LISTED)
    items = ['<li><a href="../">../</a></li>'] if names else []
    for name, is_folder in sorted(found, key=lambda entry: (not entry[1], entry[0].casefold())):
        if file_path("/" + "/".join((*names, name)), hidden=hidden) is None:
            continue
        shown = name + "/" if is_folder else name
        # "./" keeps a name with a colon from being read as a scheme.
        items.append(f'<li><a href="./{escape(quote(shown))}">{escape(shown)}</a></li>')
    page = _PAGE.format(
        title=escape("/" + "".join(f"{name}/" for name in names)),
        items="\n".join(items),
        rest=f"<p>Only {MOST_LISTED} entries are shown.</p>" if len(found) == MOST_LISTED else "",
    )
    return page.encode("utf-8")
