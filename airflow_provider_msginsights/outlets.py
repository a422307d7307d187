"""What a task's outlets can be: assets get an event of what was done; an alias stands for the asset of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import Asset, AssetAlias
from airflow.sdk.definitions.asset import AssetRef
from airflow.sdk.exceptions import AirflowRuntimeError

from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LEFT_IN_PATHS = "/-._~=:+,@!$&'()*;"


def accessors_of(accessors: Any, outlets: Sequence[Any], log: Any) -> Iterator[Any]:
    """Yield what sets the events of the assets in a task's outlets, those named by ``Asset.ref`` included.

    Airflow looks up what a reference stands for. Where it cannot, its event says nothing, and a warning says so: what
    the task did is stored by then.

    :param accessors: ``outlet_events`` of Airflow's context.
    """
    for outlet in outlets:
        if isinstance(outlet, Asset):
            yield accessors[outlet]
        elif isinstance(outlet, AssetRef):
            try:
                yield accessors[outlet]
            except AirflowRuntimeError as error:
                log.warning("The event of %r says nothing of this run: Airflow does not know it (%s).", outlet, error)


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
            f"and {why}. Name an Asset.",
            parameter="outlets",
        )


def tell_assets(context: Mapping[str, Any], outlets: Sequence[Any], extra: Mapping[str, Any], log: Any) -> None:
    """Add to what the events of the assets in a task's outlets say."""
    for accessor in accessors_of(context["outlet_events"] if outlets else None, outlets, log):
        accessor.extra.update(extra)


def dataset_asset(namespace: str, name: str) -> Asset:
    """Return the asset of a dataset, whose address is its name, too.

    :param namespace: ``file``, or scheme and bucket.
    :param name: the path, as OpenLineage has it.
    """
    path = quote(name.strip("/"), safe=_LEFT_IN_PATHS)  # an asset's address is ASCII
    return Asset(uri=f"{'file://' if namespace == 'file' else namespace}/{path}")
