"""The documents that are derived from the settings."""

from __future__ import annotations

from pounce.config import all_settings
from pounce.reference import json_schema, markdown_table
from pounce.settings import settings_of
from pounce_workers.tls_settings import TlsSettings


def test_every_setting_is_in_both() -> None:
    settings = all_settings()
    schema, table = json_schema(settings), markdown_table(settings)
    keys = {setting.key for setting in settings}
    tables = {setting.table_key.partition(".")[0] for setting in settings if setting.table_key}
    assert set(schema["properties"]) == keys | tables
    for setting in settings:
        assert f"`{setting.variable}`" in table


def test_schema_of_single_settings() -> None:
    properties = json_schema(all_settings())["properties"]
    assert properties["port"] == {
        "description": "Port to listen on; 0 takes a free one.",
        "type": "integer",
        "minimum": 0,
        "maximum": 65535,
        "default": 8000,
    }
    assert properties["log_level"]["enum"] == ["critical", "error", "warning", "info", "debug"]
    assert properties["limit_concurrency"]["anyOf"] == [{"type": "integer", "minimum": 1}, {"const": "none"}]
    assert properties["workers"]["anyOf"] == [{"type": "integer", "minimum": 0, "maximum": 1024}, {"const": "auto"}]
    assert properties["bind"]["type"] == "array"
    assert properties["access_log"]["default"] is True
    assert "default" not in properties["app"]


def test_schema_of_certificates() -> None:
    properties = json_schema(settings_of(TlsSettings))["properties"]
    table = properties["tls"]
    assert (table["type"], table["additionalProperties"]) == ("object", False)
    assert table["properties"] == {"certificates": properties["ssl_certificate"]}
    assert properties["ssl_certificate"]["items"]["anyOf"][1]["required"] == ["certfile"]
    assert properties["ssl_cert_reqs"]["enum"] == ["none", "optional", "required", 0, 1, 2]
    assert "type" not in properties["ssl_cert_reqs"]


def test_both_keys_are_in_the_table() -> None:
    assert "`POUNCE_SSL_CERTIFICATE`, `ssl_certificate`, `tls.certificates`" in markdown_table(settings_of(TlsSettings))


def test_unknown_keys_are_refused_by_the_schema() -> None:
    assert json_schema(all_settings())["additionalProperties"] is False


def test_rows_of_the_table() -> None:
    rows = markdown_table(all_settings()).splitlines()
    assert "### Address" in rows
    assert (
        "| `--port` | `POUNCE_PORT`, `port` | `8000` | Port to listen on; 0 takes a free one. "
        "(a whole number from 0 to 65535) |" in rows
    )
    assert any(row.startswith("| `--access-log`, `--no-access-log` |") for row in rows)
    assert any(row.startswith("| first argument | `POUNCE_APP`, `app` |") for row in rows)
    width = {row.replace("\\|", "").count("|") for row in rows if row.startswith("|")}
    assert width == {5}
