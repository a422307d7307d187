"""The other end of the wire: the Messaging Insights API as a local server, computed from messaging events.

    with GraphEmulator(pages=2) as emulator:
        requests.get(f"{emulator.base_url}/v26.0/101/insights", params={...})

It shares no code with the rest of the package and imports nothing of it.
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
