"""The README's drawing of days and runs is to scale, and says what the code computes.

``PYTHONPATH=tests uv run python tests/docs/test_readme_drawing.py`` prints it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from support.readme_blocks import named_block

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
    """The column of a moment: one an hour."""
    return round((min(moment, LAST) - FIRST) / HOUR)


def line(label: str, *spans: tuple[datetime, datetime, str], loads: DateRange | None = None) -> str:
    """A line with stretches of time, each between its two ends."""
    canvas = [" "] * (place(LAST) + 1)
    for start, end, text in spans:
        width = place(end) - place(start)
        canvas[place(start) : place(end) + 1] = f"|{f' {text} '.center(width - 1, '-')}|" if width > 1 else text
    told = "" if loads is None else f"loads {' and '.join(map(short, loads))}"
    return f"{label:<{LABEL_WIDTH}}{''.join(canvas)}  {told}".rstrip()


def short(day: date) -> str:
    return f"{day:%b} {day.day}"


def run(label: str, start: datetime, end: datetime) -> str:
    return line(label, (start, end, short(start.date())), loads=days_ending_within(start, end))


def drawing() -> str:
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
            f"{'UTC':<{LABEL_WIDTH}}{''.join(ruler)}".rstrip(),
            line("Pacific days", *days),
            "",
            run("Pacific midnights", days[1][0], days[1][1]),
            run("UTC midnights", utc[0], utc[1]),
            run("", utc[1], utc[2]),
            f"{at_daily}, by lookback_days=1",
            "",
        ]
    )


def test_it_is_what_the_code_computes() -> None:
    assert named_block("days").code == drawing()


if __name__ == "__main__":
    print(drawing())  # noqa: T201 - what it is for
