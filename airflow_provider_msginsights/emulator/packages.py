"""What the emulator needs beyond what the package itself depends on: the extra ``emulator``."""

from importlib.util import find_spec

_NEEDED = ("python_multipart", "starlette", "uvicorn")


def check_packages() -> None:
    """Make sure that the emulator can start.

    Raises ModuleNotFoundError that says what to install.
    """
    for name in _NEEDED:
        if find_spec(name) is None:
            raise ModuleNotFoundError(
                f"The emulator needs the package {name!r}, which is not installed. "
                "Install it with: pip install 'airflow-provider-msginsights[emulator]'",
                name=name,
            )
