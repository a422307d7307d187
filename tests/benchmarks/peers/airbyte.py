"""An Airbyte low-code manifest, read by airbyte-cdk; a local destination's file takes its records."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from airbyte_cdk.models import (
    AirbyteStream,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    SyncMode,
    Type,
)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from peers.jobs import METRICS

if TYPE_CHECKING:
    from peers.jobs import Job

MANIFEST = Path(__file__).with_name("airbyte_manifest.yaml")


def versions() -> dict[str, str]:
    return {"airbyte-cdk": version("airbyte-cdk")}


def load(job: Job) -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    if job.known_tokens:  # one Page's own token is no key to the list of Pages
        (stream,) = manifest["streams"]
        stream["retriever"]["partition_router"] = {
            "type": "ListPartitionRouter",
            "values": job.page_ids,
            "cursor_field": "page_id",
        }
        stream["retriever"]["requester"]["request_headers"] = {"Authorization": "Bearer {{ config['access_token'] }}"}
    config = {
        "base_url": f"{job.root}/",
        "access_token": job.token,
        "metrics": ",".join(METRICS),
        "page_ids": job.page_ids,
        "start_date": job.first_day.isoformat(),
        "end_date": (job.end_day - timedelta(1)).isoformat(),
    }
    catalog = ConfiguredAirbyteCatalog(
        streams=[
            ConfiguredAirbyteStream(
                stream=AirbyteStream(
                    name="insights",
                    json_schema={},
                    supported_sync_modes=[SyncMode.full_refresh, SyncMode.incremental],
                ),
                sync_mode=SyncMode.incremental,
                destination_sync_mode=DestinationSyncMode.append_dedup,
            )
        ]
    )
    source = ConcurrentDeclarativeSource(source_config=manifest, catalog=catalog, config=config, state=[])
    logger = logging.getLogger("airbyte")
    with (job.output / "insights.jsonl").open("w") as file:
        for message in source.read(logger, config, catalog, []):
            if message.type is Type.RECORD and message.record is not None:
                file.write(json.dumps(message.record.data) + "\n")
            elif message.type is Type.LOG and message.log is not None:
                print(message.log.message)
