"""Where a load's data came from and went to, in the terms of Airflow's hook lineage and of OpenLineage.

Each Page's edge of the Graph API is a dataset: the host is its namespace, version and edge are its name. Neither has
a token in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_msginsights.airflow_names import hook_lineage_collector
from airflow_provider_msginsights.outputs.schema import columns_with

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_msginsights.hooks.msginsights import MessagingInsightsHook
    from airflow_provider_msginsights.transports.settings import TransportSettings

MOST_PAGES = 50
"""Only the first Pages are reported: Airflow's collector takes a hundred assets a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLineage:
    """What one complete load read and wrote.

    :param base_url: scheme and host of the Graph API.
    :param output_path: as the task named it; ``None`` for rows that went to XCom.
    :param columns: names and types of the table's columns.
    :param assertions: what was looked for in the data: the finding's identity, its metric, and whether all is well.
    """

    base_url: str
    api_version: str
    page_ids: tuple[str, ...]
    output_path: str | None
    columns: tuple[tuple[str, str], ...]
    rows: int
    size_bytes: int
    file_count: int
    assertions: tuple[tuple[str, str | None, bool], ...] = ()

    @classmethod
    def of(
        cls,
        settings: TransportSettings,
        page_ids: tuple[str, ...],
        output_path: str | None,
        facts: Mapping[str, Any],
        extra_columns: tuple[str, ...],
    ) -> LoadLineage:
        """Build it from the connection's settings and the load's manifest."""
        files = facts["files"]
        return cls(
            base_url=settings.base_url,
            api_version=settings.api_version,
            page_ids=page_ids,
            output_path=output_path,
            columns=tuple((column.name, str(column.kind)) for column in columns_with(extra_columns)),
            rows=facts["rows"],
            size_bytes=sum(file["size_bytes"] for file in files),
            file_count=len(files),
            assertions=tuple(_assertions(facts.get("findings", {}))),
        )

    def facets(self) -> Any:
        """Return OpenLineage's ``OperatorLineage``; needs its provider."""
        from airflow.providers.openlineage.extractors import OperatorLineage
        from openlineage.client.event_v2 import InputDataset, OutputDataset
        from openlineage.client.facet_v2 import (
            data_quality_assertions_dataset,
            output_statistics_output_dataset,
            schema_dataset,
        )

        inputs = [
            InputDataset(namespace=self.base_url, name=f"{self.api_version}/{page_id}/insights")
            for page_id in self.page_ids[:MOST_PAGES]
        ]
        if self.output_path is None:
            return OperatorLineage(inputs=inputs)
        namespace, name = storage_names(self.output_path)
        fields = [schema_dataset.SchemaDatasetFacetFields(name=column, type=kind) for column, kind in self.columns]
        statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            rowCount=self.rows, size=self.size_bytes, fileCount=self.file_count
        )
        output = OutputDataset(
            namespace=namespace,
            name=name,
            facets={"schema": schema_dataset.SchemaDatasetFacet(fields=fields)},
            outputFacets={"outputStatistics": statistics},
        )
        if self.assertions:
            # The facet is one of inputs: what the task looked at after it had stored it.
            facet = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                assertions=[
                    data_quality_assertions_dataset.Assertion(assertion=identity, success=success, column=metric)
                    for identity, metric, success in self.assertions
                ]
            )
            inputs.append(InputDataset(namespace=namespace, name=name, inputFacets={"dataQualityAssertions": facet}))
        return OperatorLineage(inputs=inputs, outputs=[output])


def _assertions(findings: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[tuple[str, str | None, bool]]:
    """Give what a manifest says of findings as assertions: new and ongoing ones fail, ended ones hold again."""
    for state, success in (("new", False), ("ongoing", False), ("ended", True)):
        for finding in findings.get(state, ()):
            yield finding["identity"], finding["metric"], success


def report_read(hook: MessagingInsightsHook, page_ids: Sequence[str]) -> None:
    """Report the edges of the API that were read to Airflow's hook lineage."""
    collector = hook_lineage_collector()
    for page_id in page_ids[:MOST_PAGES]:
        uri = f"{hook.settings.base_url}/{hook.settings.api_version}/{page_id}/insights"
        collector.add_input_asset(context=hook, uri=uri)


def storage_names(output_path: str) -> tuple[str, str]:
    """Return OpenLineage's namespace and name of a storage path (its naming specification, "Object stores")."""
    parts = urlsplit(output_path)
    if parts.scheme in ("", "file", "local"):
        return "file", parts.path.rstrip("/") or "/"
    bucket = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{bucket}", parts.path.strip("/") or "/"
