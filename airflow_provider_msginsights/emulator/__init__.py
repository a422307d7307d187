"""The other end of the wire: the Messaging Insights API as a local server, computed from messaging events.

    with GraphEmulator(pages=2) as emulator:
        requests.get(f"{emulator.base_url}/v26.0/101/insights", params={...})

It shares no code with the rest of the package and imports nothing of it.

In reading order:

- ``emulator``: `GraphEmulator`, which starts and stops everything; ``command``: what ``msginsights emulator`` runs;
- ``call``: one Graph call and its reply; ``errors`` and ``error_table``: the API's errors;
- ``graph``: calls answered; ``state``: what they are answered from; ``data``: events and metrics;
- ``control``: how tests change it; ``http``: the server around it;
- ``documentation``: what Meta documents; ``pacific_days`` and ``time_ranges``: days and ranges as the API has them;
- ``validation``: values of users checked; ``pytest_fixtures``: fixtures for tests of DAGs.

Free to change: everything but the names exported here, the fixtures, and the routes of ``control``. An answer changes
only with a source: Meta's documentation, or a recorded reply.
"""

from airflow_provider_msginsights.emulator.data.events import Event, EventKind
from airflow_provider_msginsights.emulator.data.pages import Liveliness, Page
from airflow_provider_msginsights.emulator.emulator import GraphEmulator
from airflow_provider_msginsights.emulator.state.faults import Fault, FaultKind
from airflow_provider_msginsights.emulator.state.journal import JournalEntry, Stats
from airflow_provider_msginsights.emulator.state.settings import Settings, Style, Unready
from airflow_provider_msginsights.emulator.state.tokens import Token, TokenKind

__all__ = [
    "Event",
    "EventKind",
    "Fault",
    "FaultKind",
    "GraphEmulator",
    "JournalEntry",
    "Liveliness",
    "Page",
    "Settings",
    "Stats",
    "Style",
    "Token",
    "TokenKind",
    "Unready",
]
