"""What a command needs beyond the package's own dependencies."""

from __future__ import annotations

from airflow_provider_msginsights.exceptions import ConfigurationError


def require_emulator() -> None:
    """Make sure that the emulator can be started.

    :raises ConfigurationError: when a package it needs is not installed; the message says what to install.
    """
    from airflow_provider_msginsights.emulator.emulator import check_packages

    try:
        check_packages()
    except ModuleNotFoundError as missing:
        raise ConfigurationError(str(missing), error_id="MSGI-missing-package") from missing
