"""All checks of a configuration, in an order in which each has what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_workers import GilWatch

from .application import check_import, check_lifespan, check_workers
from .certificates import check_certificates
from .extras import check_extras, check_files
from .limits import check_limits
from .no_effect import Serving, check_no_effect
from .ports import check_ports
from .report import Report

if TYPE_CHECKING:
    from pounce.sources import LoadedConfig

__all__ = ["run_checks"]


def run_checks(loaded: LoadedConfig) -> Report:
    """Look at everything that can be looked at: one failure hides no other, unless it needs what failed."""
    config = loaded.config
    report = Report(loaded.origins)
    for warning in loaded.warnings:
        report.add("warning", "settings", warning)
    with GilWatch() as watch:  # packages that settings need may switch it on as well as the application
        complete = check_extras(config, report)
        check_files(config, report)
        check_certificates(config, report)
        check_ports(config, report)
        imported = check_import(config, report)
    decision = check_workers(config, watch, report)
    check_limits(config, report, processes=decision.kind == "process")
    if imported is not None and complete:
        check_lifespan(config, imported, decision, watch, report)
    check_no_effect(Serving(config, decision, imported.interface if imported is not None else ""), report)
    if imported is not None:
        imported.importer.close()
    return report
