"""``msginsights dataset retire | erase | move``: what people decide about the Pages of a dataset."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_msginsights.cli import output
from airflow_provider_msginsights.cli.connections import add_dataset_options, dataset_of_options
from airflow_provider_msginsights.cli.options import day, page_ids
from airflow_provider_msginsights.exceptions import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from datetime import date

    from airflow_provider_msginsights.insights.coverage.pages import PagesOfDataset
    from airflow_provider_msginsights.outputs.dataset import Dataset

_CODES = "Exit codes: 0 done, or nothing to do; 2 wrong options, files or connection; 3 the storage did not answer."


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command, its three actions and their options."""
    parser = commands.add_parser(
        "dataset",
        help="retire, erase or move Pages of a dataset",
        description="What people decide about the Pages of a dataset. Each action says first what it will do, and can "
        "be run again after it was interrupted.",
        epilog=_CODES,
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    retire = _action(
        actions,
        "retire",
        run_retire,
        "end the time of Pages: their rows stay, later days are not missed (a client left)",
    )
    retire.add_argument(
        "--on",
        type=day,
        metavar="DATE",
        help="the last Pacific day that belongs (default: the last one that has ended)",
    )
    erase = _action(
        actions,
        "erase",
        run_erase,
        "remove all that the dataset has of Pages, for good, with a receipt (a client's right)",
    )
    move = _action(actions, "move", run_move, "let another part hold Pages: their rows and all that is known of them")
    move.add_argument("--part", required=True, metavar="PART", help="the part that gets them, as the load's part")
    for action in (retire, erase):
        action.add_argument("--reason", default="", metavar="TEXT", help="why, for those who read it later")


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    what: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.", epilog=_CODES)
    add_dataset_options(parser)
    parser.add_argument("--page-ids", type=page_ids, required=True, metavar="IDS", help="the Pages, with commas")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    output.add_json_option(parser)
    parser.set_defaults(run=run)
    return parser


def run_retire(arguments: argparse.Namespace) -> int:
    """End the time of Pages."""
    from airflow_provider_msginsights.insights.wording import pages_in_words
    from airflow_provider_msginsights.outputs.coverage_files import CoverageFiles

    dataset = _dataset(arguments)
    files = CoverageFiles(dataset.root, conditional=dataset.conditional_writes)
    on = arguments.on or _last_ended_day()
    before = files.pages()
    if unknown := [page_id for page_id in arguments.page_ids if page_id not in before]:
        raise ConfigurationError(
            f"_coverage/pages.json of {dataset.root} does not name {pages_in_words(unknown)}: use the ids of Pages "
            "that the dataset holds. Pages that were loaded before this file was kept are entered by: msginsights "
            "coverage PATH --rebuild",
            error_id="MSGI-dataset-page",
        )

    def retired(pages: PagesOfDataset) -> PagesOfDataset:
        return pages.retired(arguments.page_ids, on=on, reason=arguments.reason)

    after = retired(before)
    changed = sorted(page_id for page_id in after if after[page_id] != before[page_id])
    if not arguments.dry_run:
        files.update_pages(retired)
    document = {"action": "retire", "page_ids": list(arguments.page_ids), "on": str(on), "changed": changed}
    what = f"{pages_in_words(arguments.page_ids)} of {dataset.root}: the last day is {on}; rows stay as they are."
    return _tell(arguments, document, [what if changed else f"{what} So it was before."], is_done=not changed)


def run_erase(arguments: argparse.Namespace) -> int:
    """Remove all that a dataset has of Pages."""
    from datetime import UTC, datetime

    from airflow_provider_msginsights.cli.dataset.receipts import erasure_in_words, erasure_plan_in_words
    from airflow_provider_msginsights.outputs.maintenance.erasing import PageEraser

    dataset = _dataset(arguments)
    eraser = PageEraser(dataset, arguments.page_ids)
    plan = eraser.plan()
    words = erasure_plan_in_words(plan, dataset)
    if arguments.dry_run:
        return _tell(arguments, {"action": "erase", **plan.as_dict()}, words, is_done=plan.is_done)
    if not arguments.as_json:
        _say(words)
    receipt = eraser.run(plan, at=datetime.now(UTC), reason=arguments.reason)
    return _tell(arguments, {"action": "erase", **receipt}, erasure_in_words(receipt), is_done=plan.is_done)


def run_move(arguments: argparse.Namespace) -> int:
    """Give Pages to another part."""
    from airflow_provider_msginsights.cli.dataset.receipts import move_in_words
    from airflow_provider_msginsights.insights.parameters.parse import parse_part
    from airflow_provider_msginsights.outputs.maintenance.moving import PageMover

    dataset = replace(_dataset(arguments), part=parse_part(arguments.part))
    mover = PageMover(dataset, arguments.page_ids)
    plan = mover.plan()
    document = {"action": "move", **plan.as_dict()}
    words = move_in_words(plan, dataset)
    if arguments.dry_run or plan.is_done:
        return _tell(arguments, document, words, is_done=plan.is_done)
    if not arguments.as_json:
        _say(words)
    mover.run(plan)
    return _tell(arguments, document, ["Moved. Change part in the DAG that loads them."], is_done=False)


def _dataset(arguments: argparse.Namespace) -> Dataset[Any]:
    """Return the dataset; where it is to be changed, with what its storage can do noted."""
    dataset = dataset_of_options(arguments)
    return dataset if arguments.dry_run else dataset.claim()


def _last_ended_day() -> date:
    from datetime import UTC, datetime

    from airflow_provider_msginsights.insights.dates import ONE_DAY, pacific_date

    return pacific_date(datetime.now(UTC)) - ONE_DAY


def _tell(arguments: argparse.Namespace, document: dict[str, Any], words: list[str], *, is_done: bool) -> int:
    if arguments.as_json:
        output.print_json({**document, "dry_run": arguments.dry_run, "nothing_to_do": is_done})
    else:
        _say([*words, *(["Nothing was changed."] if arguments.dry_run else [])])
    return output.OK


def _say(lines: list[str]) -> None:
    say = output.console().print
    for line in lines:
        say(line, markup=False, soft_wrap=True)
