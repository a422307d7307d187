"""What the page in Airflow shows of a dataset: the report of a part, in the state stores of a task's assets.

The API server, which serves the page, often cannot reach the storage; an asset's state store (Airflow 3.3 and newer) it
can read. A report is compressed JSON in values of less than 64 KB each, the most that Airflow takes by default, under

    msginsights_coverage/<dataset>/<part>          the first value
    msginsights_coverage/<dataset>/<part>/<n>      those after it

Each value says which generation of the report it belongs to, so that a reader who meets a writer notices. Whoever may
read an asset may read its state: paths, connections and tokens never stand in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import msgspec
from airflow.sdk import Asset

from airflow_provider_msginsights.exceptions import MessagingInsightsError
from airflow_provider_msginsights.insights.coverage.answers import first_unfinal
from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
from airflow_provider_msginsights.insights.coverage.report.build import coverage_report
from airflow_provider_msginsights.insights.dates import pacific_date
from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from airflow_provider_msginsights.insights.coverage.ledger import Ledger
    from airflow_provider_msginsights.outputs.dataset import Dataset

PUBLISH = ("none", "days", "values")
PREFIX = "msginsights_coverage"
VERSION = 1
LONGEST_DATA = 60_000
"""Letters of data in a value: what remains of 64 KB is for the other fields."""
_HASH_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveragePublisher:
    """Publishes reports where a task has assets with a state store; elsewhere it does nothing.

    :param stores: name of an asset -> its state store.
    :param publish: ``none`` (what was published before is removed), ``days``, or ``values`` for these too.
    """

    stores: Mapping[str, Any]
    publish: str
    log: Any

    @classmethod
    def of(cls, context: Mapping[str, Any], *, publish: str, log: Any) -> Self:
        """Return the publisher of a running task.

        :param context: Airflow's context of the task.
        """
        accessors = context.get("asset_state_store")
        outlets = getattr(context.get("task"), "outlets", None) or ()
        names = {outlet.name: outlet for outlet in outlets if isinstance(outlet, Asset)}
        stores = {name: accessors[asset] for name, asset in names.items()} if accessors is not None else {}
        return cls(stores=stores, publish=publish, log=log)

    def publish_parts(
        self,
        dataset: Dataset[Any],
        ledgers: Mapping[str, Ledger],
        pages: PagesOfDataset | None,
        *,
        at: datetime,
        final_after_hours: float,
    ) -> None:
        """Publish what the ledgers of several parts say; see `publish_part`.

        :param ledgers: part -> its ledger.
        """
        for part, ledger in ledgers.items():
            self.publish_part(replace(dataset, part=part), ledger, pages, at=at, final_after_hours=final_after_hours)

    def publish_part(
        self,
        dataset: Dataset[Any],
        ledger: Ledger,
        pages: PagesOfDataset | None,
        *,
        at: datetime,
        final_after_hours: float,
    ) -> None:
        """Publish what a part's ledger says; a failure is a warning, as nothing but the page lacks it.

        :param ledger: as stored.
        :param pages: the Pages of the dataset; ``None`` where their file cannot be read.
        :param at: the moment of looking, aware.
        """
        if not self.stores:
            return
        key = f"{PREFIX}/{dataset_name(str(dataset.root))}/{dataset.part}"
        if self.publish == "none":
            self._in_each_store(_remove, key)
            return
        try:
            report = self._report(dataset, ledger, pages or PagesOfDataset(), at=at, hours=final_after_hours)
        except MessagingInsightsError as error:  # a file of people's, or a storage that fails in passing
            self.log.warning("The coverage of part %r is not published: %s", dataset.part, error)
            return
        about = {"period": dataset.period, "breakdowns": list(dataset.breakdowns), "publish": self.publish}
        self._in_each_store(_replace, key, Publication(about, msgspec.json.encode(report)))

    def _report(
        self, dataset: Dataset[Any], ledger: Ledger, pages: PagesOfDataset, *, at: datetime, hours: float
    ) -> dict[str, Any]:
        part = dataset.part
        files = CoverageFiles(dataset.root, conditional=dataset.conditional_writes)
        own = [page_id for page_id, entry in pages.items() if entry.part == part and entry.erased_at is None]
        own += [page_id for page_id in ledger.pages if page_id not in pages]
        report = coverage_report(
            {part: ledger},
            pages,
            {part: files.findings(part)},
            files.acknowledgements(),
            today=pacific_date(at),
            final_before=date.fromordinal(first_unfinal(at, hours)),
            page_ids=own,
        )
        return report.to_json(values=self.publish == "values")

    def _in_each_store(self, change: Any, *arguments: Any) -> None:
        for name, store in self.stores.items():
            try:
                change(store, *arguments)
            except Exception as error:  # noqa: BLE001 - whatever a store's backend raises
                self.log.warning(
                    "The state store of asset %r could not be used (%s): the page in Airflow's UI shows what was "
                    "published before.",
                    name,
                    type(error).__name__,
                )


def dataset_name(shown_path: str) -> str:
    """Return a name of a dataset from which its path cannot be read."""
    return hashlib.sha256(shown_path.encode()).hexdigest()[:_HASH_LENGTH]


@dataclass(frozen=True)
class Publication:
    """A report on its way to each store: worked on once, and compressed only if some store has another one.

    :param about: fields that each value has.
    :param report: its JSON.
    """

    about: Mapping[str, Any]
    report: bytes

    @cached_property
    def digest(self) -> str:
        """What tells it from other reports."""
        about = json.dumps(self.about, sort_keys=True).encode()
        return hashlib.sha256(about + self.report).hexdigest()[:_HASH_LENGTH]

    @cached_property
    def _pieces(self) -> list[str]:
        squeezer = zlib.compressobj(wbits=31)  # gzip, without a time: equal reports give equal values
        data = base64.b64encode(squeezer.compress(self.report) + squeezer.flush()).decode()
        return [data[start : start + LONGEST_DATA] for start in range(0, len(data), LONGEST_DATA)]

    def values(self, generation: int) -> list[dict[str, Any]]:
        """Return the values that hold the report."""
        shared = {PREFIX: VERSION, **self.about, "generation": generation, "digest": self.digest}
        count = len(self._pieces)
        return [{**shared, "piece": n, "pieces": count, "data": data} for n, data in enumerate(self._pieces)]


def _replace(store: Any, key: str, publication: Publication) -> None:
    """Store a report, if it is another one than that which is stored."""
    known = _head(store, key)
    if known.get("digest") == publication.digest:
        return
    values = publication.values(_number(known, "generation") + 1)
    # The first one last: until then readers meet pieces of two generations, and know that somebody writes.
    for number in reversed(range(len(values))):
        store.set(_piece_key(key, number), values[number])
    _remove_pieces(store, key, range(len(values), _number(known, "pieces")))


def _remove(store: Any, key: str) -> None:
    known = _head(store, key)
    _remove_pieces(store, key, range(_number(known, "pieces")))


def _remove_pieces(store: Any, key: str, numbers: Sequence[int]) -> None:
    for number in numbers:
        store.delete(_piece_key(key, number))


def _head(store: Any, key: str) -> Mapping[str, Any]:
    found = store.get(key)
    return found if isinstance(found, dict) else {}


def _number(head: Mapping[str, Any], name: str) -> int:
    found = head.get(name)
    return found if isinstance(found, int) and 0 <= found < 2**31 else 0


def _piece_key(key: str, number: int) -> str:
    return f"{key}/{number}" if number else key
