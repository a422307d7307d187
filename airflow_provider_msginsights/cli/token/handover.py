"""Who must do what at Meta before a load can read a Page: a checklist to send to the people who may do it.

The words are those of Meta's screens and pages as their newest copies have them, each with its source and date; an
undated page has the year in which its copy was read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_msginsights.insights.graph.error_table import PERMISSIONS
from airflow_provider_msginsights.insights.parameters.parse import parse_page_ids

if TYPE_CHECKING:
    import argparse

_INSIGHTS = (
    "Messaging Insights API, 27 March 2026: developers.facebook.com/documentation/business-messaging/"
    "messenger-platform/analytics/messaging-insights"
)
_ACCESS_LEVELS = "Access Levels, read 2026: developers.facebook.com/docs/graph-api/overview/access-levels"
_SYSTEM_USERS = (
    "System Users, Overview, read 2026: developers.facebook.com/docs/business-management-apis/system-users/overview"
)
_TOKENS = (
    "Install Apps, Generate, Refresh, and Revoke Tokens, read 2026: "
    "developers.facebook.com/docs/business-management-apis/system-users/install-apps-and-generate-tokens"
)
_ADD_SYSTEM_USERS = "Meta Business Help Centre, Add system users to your business portfolio, read 2026"
_PARTNERS = "Meta Business Help Centre, Give a partner access to business assets in your business portfolio, read 2026"
_PAGE_ACCESS = "Meta Business Help Centre, About Page access in the new Pages experience, read 2026"
_DASHBOARD = "App Dashboard, read 2026: developers.facebook.com/docs/development/create-an-app/app-dashboard"
_MANUAL_FLOW = (
    "Manually Build a Login Flow, read 2026: "
    "developers.facebook.com/documentation/facebook-login/guides/advanced/manual-flow"
)
_BUSINESS_LOGIN = (
    "Facebook Login for Business, read 2026: "
    "developers.facebook.com/documentation/facebook-login/facebook-login-for-business"
)


class Step(NamedTuple):
    """One thing to do, and where Meta says so."""

    what: str
    source: str


class Part(NamedTuple):
    """What one person does."""

    who: str
    steps: tuple[Step, ...]


PARTS = (
    Part(
        "The Page's owner (full control of the business portfolio that owns the Page)",
        (
            Step(
                "Share the Page with the business that loads the data. Meta Business Suite, Settings, Users, Partners: "
                "give that business's portfolio id partial access to the Page{pages}, with Insights. Nothing needs "
                "sharing within one business.",
                _PARTNERS,
            ),
            Step(
                "Without a business portfolio: in the Page's settings, Page access, give the person who will log in "
                "task access for Insights, or Facebook access.",
                _PAGE_ACCESS,
            ),
            Step(
                "For Instagram messaging, link the Instagram professional account to the Page, and share the Page.",
                _INSIGHTS,
            ),
        ),
    ),
    Part(
        "The app's admin (a role on the app at developers.facebook.com/apps)",
        (
            Step(
                "Have an app{app} that belongs to the same business as the system user, and add the permissions "
                "{permissions} to it (App Review, Permissions and features; or its use case).",
                _SYSTEM_USERS,
            ),
            Step(
                "Pages of people with a role on the app: Standard Access is enough, and every app has it. Pages of "
                "others: apply for Advanced Access to all four permissions, which takes App Review and Business "
                "Verification.",
                _ACCESS_LEVELS,
            ),
            Step(
                "Only where a person logs in: Facebook Login, Settings, Valid OAuth Redirect URIs. In development mode "
                "http://localhost works by itself; in live mode list an https address, and name it to the data "
                "engineer. An app of Facebook Login for Business also needs a configuration with the four permissions "
                "and the Pages: name its id.",
                f"{_MANUAL_FLOW}; {_BUSINESS_LOGIN}",
            ),
            Step(
                "Hand over the app id, and the app secret through a password manager or secret store, never by mail or "
                "chat (App settings, Basic).",
                _DASHBOARD,
            ),
        ),
    ),
    Part(
        "The business admin (full control of the business that loads the data)",
        (
            Step(
                "Make a system user: Meta Business Suite, Settings, Users, System users, Add.",
                _ADD_SYSTEM_USERS,
            ),
            Step(
                "Assign assets to it: the app, and the Page{pages} with Insights. All Pages before the next step: a "
                "token does not pick up Pages that are assigned later.",
                _ADD_SYSTEM_USERS,
            ),
            Step(
                "Generate new token: choose the app, the expiration (Never, where the business may; else 60 days, "
                "which 'msginsights token renew' renews), and the permissions {permissions}.",
                _TOKENS,
            ),
            Step(
                "The token is shown once: put it into the secret store right away, and tell the data engineer where.",
                _ADD_SYSTEM_USERS,
            ),
        ),
    ),
    Part(
        "The data engineer (needs no role at Meta)",
        (
            Step(
                "Where Airflow runs, with the token on standard input: msginsights token create --paste{app_option}"
                "{pages_option} --expect-pages FILE.csv --report FILE.json. It tests the token on every Page, and "
                "saves nothing that would not load.",
                "msginsights token create --help",
            ),
        ),
    ),
)


def print_handover(arguments: argparse.Namespace) -> int:
    """Print the checklist, with the app and the Pages that the options name."""
    named = parse_page_ids(arguments.page_ids, name="--page-ids")
    pages = named if named is None or isinstance(named, str) else ",".join(named)
    app = arguments.app_id
    filled = {
        "permissions": ", ".join(PERMISSIONS),
        "pages": f" ({pages})" if pages else "",
        "app": f" ({app})" if app else "",
        "app_option": f" --app-id {app}" if app else "",
        "pages_option": f" --page-ids {pages}" if pages else "",
    }
    lines = ["# Access to Messaging Insights: who must do what", ""]
    for part in PARTS:
        lines += [f"## {part.who}", ""]
        for step in part.steps:
            lines += [f"- [ ] {step.what.format(**filled)}", f"      Source: {step.source}"]
        lines.append("")
    sys.stdout.write("\n".join(lines))
    return 0
