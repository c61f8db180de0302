"""A directory over HTTP: files with validators, ranges, compressed neighbours, and nothing from outside of it."""

from __future__ import annotations

from pounce_middleware.static.cache_rules import CacheRules
from pounce_middleware.static.directory import Directory, NoSuchFile, OpenFile
from pounce_middleware.static.file_body import FileBecameShorter
from pounce_middleware.static.mounts import StaticMounts
from pounce_middleware.static.request_path import file_path
from pounce_middleware.static.settings import StaticSettings
from pounce_middleware.static.static_files import StaticFiles

__all__ = [
    "CacheRules",
    "Directory",
    "FileBecameShorter",
    "NoSuchFile",
    "OpenFile",
    "StaticFiles",
    "StaticMounts",
    "StaticSettings",
    "file_path",
]
