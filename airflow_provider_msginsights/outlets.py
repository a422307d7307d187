"""What a task's outlets can be: assets get an event of what was done; an alias stands for the asset of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import Asset, AssetAlias

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LEFT_IN_PATHS = "/-._~=:+,@!$&'()*;"


def assets_in(outlets: Sequence[Any]) -> Iterator[Asset]:
    """Yield the assets that are named as such."""
    return (outlet for outlet in outlets if isinstance(outlet, Asset))


def aliases_in(outlets: Sequence[Any]) -> Iterator[AssetAlias]:
    """Yield the aliases."""
    return (outlet for outlet in outlets if isinstance(outlet, AssetAlias))


def refuse_aliases(outlets: Sequence[Any], why: str) -> None:
    """Refuse aliases, which stand for an asset that the task names, where a task has none to name.

    :param why: a clause.
    :raises ConfigurationError: for the first alias.
    """
    for alias in aliases_in(outlets):
        raise ConfigurationError(
            f"outlets=[AssetAlias({alias.name!r})] is not valid: an alias stands for the dataset that a task writes, "
            f"and {why}. Name an Asset."
        )


def tell_assets(context: Mapping[str, Any], outlets: Sequence[Any], extra: Mapping[str, Any]) -> None:
    """Add to what the events of the assets in a task's outlets say."""
    for asset in assets_in(outlets):
        context["outlet_events"][asset].extra.update(extra)


def dataset_asset(namespace: str, name: str) -> Asset:
    """Return the asset of a dataset, whose address is its name, too.

    :param namespace: ``file``, or scheme and bucket.
    :param name: the path, as OpenLineage has it.
    """
    path = quote(name.strip("/"), safe=_LEFT_IN_PATHS)  # an asset's address is ASCII
    return Asset(uri=f"{'file://' if namespace == 'file' else namespace}/{path}")
