"""``msginsights coverage --rebuild`` and ``--verify``: ledgers built anew from the files, or compared with them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.connections import dataset_of_options
from airflow_provider_msginsights.insights.wording import pages_in_words, plural

if TYPE_CHECKING:
    import argparse

    from airflow_provider_msginsights.insights.coverage.filling import FillCost
    from airflow_provider_msginsights.outputs.dataset import Dataset
    from airflow_provider_msginsights.outputs.maintenance.rebuilding import Rebuilt

_MOST_SHOWN = 20


def rebuild(arguments: argparse.Namespace) -> int:
    """Build the ledgers anew, and say what a fill would cost then."""
    from airflow_provider_msginsights.outputs.maintenance.rebuilding import LedgerBuilder

    dataset = dataset_of_options(arguments)
    if not arguments.dry_run:
        dataset = dataset.claim()
    builder = LedgerBuilder(dataset)
    rebuilt = builder.build()
    cost, since = _cost(arguments, dataset, rebuilt)
    if not arguments.dry_run:
        builder.store(rebuilt)
    document = {
        "dry_run": arguments.dry_run,
        "parts": list(rebuilt.ledgers),
        "files": rebuilt.files,
        "pages": len({page_id for ledger in rebuilt.ledgers.values() for page_id in ledger.pages}),
        "new_page_ids": list(rebuilt.new_pages),
        "removed_cells": rebuilt.removed_cells,
        "problems": rebuilt.problems,
        "fill_since": str(since) if since else None,
        **cost_as_dict(cost, arguments.max_graph_calls),
    }
    if arguments.as_json:
        output.print_json(document)
    else:
        _say_rebuilt(arguments, document, rebuilt, cost)
    return output.OK


def _cost(arguments: argparse.Namespace, dataset: Dataset[Any], rebuilt: Rebuilt) -> tuple[FillCost, Any]:
    from dataclasses import replace
    from datetime import UTC, datetime

    from airflow_provider_msginsights.insights.coverage.filling import FillCost
    from airflow_provider_msginsights.outputs.maintenance.known_coverage import KnownCoverage

    known = replace(KnownCoverage.read(dataset), ledgers=rebuilt.ledgers, pages=rebuilt.pages)
    since = arguments.since or known.fill_since
    if since is None:
        return FillCost(), None
    return known.fill_cost(datetime.now(UTC), since=since, page_ids=arguments.page_ids), since


def _say_rebuilt(arguments: argparse.Namespace, document: dict[str, Any], rebuilt: Rebuilt, cost: FillCost) -> None:
    say = output.console().print
    done = "would be built" if arguments.dry_run else "built"
    parts, files = plural(len(rebuilt.ledgers), "part"), plural(rebuilt.files, "file")
    pages, removed = plural(document["pages"], "Page"), plural(rebuilt.removed_cells, "cell")
    lines = [f"Ledgers of {parts} {done} from {files}: {pages}, {removed} of deleted rows."]
    if rebuilt.new_pages:
        entered = "would be entered" if arguments.dry_run else "entered"
        lines.append(f"{pages_in_words(rebuilt.new_pages)} {entered} in _coverage/pages.json.")
    lines += rebuilt.problems
    if document["fill_since"]:
        lines.append(f"Since {document['fill_since']}: {cost_in_words(cost, arguments.max_graph_calls)}")
    if arguments.dry_run:
        lines.append("Nothing was changed.")
    for line in lines:
        say(line, markup=False, soft_wrap=True)


def verify(arguments: argparse.Namespace) -> int:
    """Compare the ledgers with every file; 1 when they differ."""
    from airflow_provider_msginsights.outputs.maintenance.rebuilding import LedgerBuilder

    dataset = dataset_of_options(arguments)
    found = list(LedgerBuilder(dataset).verify())
    if arguments.as_json:
        output.print_json({"differences": [one._asdict() for one in found]})
        return output.FOUND if found else output.OK
    say = output.console().print
    if not found:
        say(f"{dataset.root}: every file is as the ledgers say.", markup=False, soft_wrap=True)
        return output.OK
    say(f"{dataset.root}: {plural(len(found), 'difference')}.", markup=False, soft_wrap=True)
    for part, day, page_id, metric, what in islice(found, _MOST_SHOWN):
        where = " ".join(filter(None, (part and f"part {part}", day, page_id and f"Page {page_id}", metric)))
        say(f"{where}: {what}" if where else what, markup=False, soft_wrap=True)
    if len(found) > _MOST_SHOWN:
        say(f"and {len(found) - _MOST_SHOWN} more; --json has all of them")
    say("The next load or fill reads files again that were changed; --rebuild reads all of them.")
    return output.FOUND


def cost_as_dict(cost: FillCost, max_graph_calls: int) -> dict[str, Any]:
    """Return what a fill costs in JSON's own types."""
    return {
        "missing_cells": cost.cells,
        "missing_pages": cost.pages,
        "fill_calls": cost.calls,
        "fill_files": cost.files,
        "max_graph_calls": max_graph_calls,
        "fill_nights": cost.nights(max_graph_calls),
        "waiting_page_ids": sorted(cost.waiting),
    }


def cost_in_words(cost: FillCost, max_graph_calls: int) -> str:
    """Return what a fill costs in words."""
    if not cost.cells:
        return "nothing is missing; a fill would make no call."
    nights = plural(cost.nights(max_graph_calls), "night")
    return (
        f"{plural(cost.cells, 'cell')} of {plural(cost.pages, 'Page')} missing. A fill makes about "
        f"{plural(cost.calls, 'API call')} in {nights} of max_graph_calls={max_graph_calls}, and writes "
        f"{plural(cost.files, 'file')}."
    )
