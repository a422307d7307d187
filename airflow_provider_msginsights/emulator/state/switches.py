"""What is said of something for everybody, and otherwise for single ones."""

from typing import Generic, TypeVar

Value = TypeVar("Value")


class Switches(Generic[Value]):
    """A value by name, for all or for one; what was said of one goes before what was said of all."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[str | None, Value]] = {}

    def set(self, name: str, one: str | None, *, value: Value) -> None:
        """Say it of one; or of all (None), which takes back what was said of single ones."""
        if one is None:
            self._by_name[name] = {}
        self._by_name.setdefault(name, {})[one] = value

    def get(self, name: str, one: str | None, *, default: Value) -> Value:
        """Return what holds for one."""
        said = self._by_name.get(name, {})
        return said.get(one, said.get(None, default))
