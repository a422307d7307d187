"""The drawing of days and runs, to scale: what the code computes of a night in which the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from airflow_provider_msginsights.insights.dates import (
    DateRange,
    days_ending_within,
    end_of_day,
    last_days_ended_by,
    pacific_midnight,
)

FIRST, LAST = datetime(2026, 3, 7, 8, tzinfo=UTC), datetime(2026, 3, 10, 8, tzinfo=UTC)
LABEL_WIDTH = 20
HOUR = timedelta(hours=1)


def place(moment: datetime) -> int:
    """Return the column of a moment: one an hour."""
    return round((min(moment, LAST) - FIRST) / HOUR)


def line(label: str, *spans: tuple[datetime, datetime, str], loads: DateRange | None = None) -> str:
    """Return a line with stretches of time, each between its two ends."""
    canvas = [" "] * (place(LAST) + 1)
    for start, end, text in spans:
        width = place(end) - place(start)
        canvas[place(start) : place(end) + 1] = f"|{f' {text} '.center(width - 1, '-')}|" if width > 1 else text
    days = "" if loads is None else f"loads {' and '.join(map(short, loads))}"
    return f"{label:<{LABEL_WIDTH}}{''.join(canvas)}  {days}".rstrip()


def short(day: date) -> str:
    """Return a day as the drawing names it."""
    return f"{day:%b} {day.day}"


def run(label: str, start: datetime, end: datetime) -> str:
    """Return the line of a run: its data interval, and the days that end within it."""
    return line(label, (start, end, short(start.date())), loads=days_ending_within(start, end))


def drawing() -> str:
    """Return the drawing as a block of text."""
    eighth, ninth = date(2026, 3, 8), date(2026, 3, 9)
    days = [
        (pacific_midnight(day), end_of_day(day), f"{short(day)}{hours}")
        for day, hours in ((date(2026, 3, 7), ""), (eighth, ", 23 hours"), (ninth, ""))
    ]
    utc = [datetime(2026, 3, day, tzinfo=UTC) for day in (8, 9, 10)]
    ruler = [" "] * (place(LAST) + 8)
    for moment in utc:
        text = f"|{short(moment.date())} 0h"
        ruler[place(moment) : place(moment) + len(text)] = text
    at_daily = line("@daily, Mar 9 0h", (utc[1], utc[1], "^"), loads=last_days_ended_by(utc[1], 1))
    return "\n".join(
        [
            "```text",
            f"{'UTC':<{LABEL_WIDTH}}{''.join(ruler)}".rstrip(),
            line("Pacific days", *days),
            "",
            run("Pacific midnights", days[1][0], days[1][1]),
            run("UTC midnights", utc[0], utc[1]),
            run("", utc[1], utc[2]),
            f"{at_daily}, by lookback_days=1",
            "```",
        ]
    )
