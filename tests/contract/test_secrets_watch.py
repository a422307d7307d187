"""The test of the tests: a secret planted in any channel, in any form, is found there."""

from __future__ import annotations

import base64
import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from support.secret_watch import Secrets, Watch

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "Q7/x+zz=Kd|mm-81_kT.9w"
SECRETS = Secrets({"token": TOKEN}, app_secret="b5f0c1d2e3")


@pytest.mark.parametrize(
    "planted",
    [
        TOKEN,
        quote(TOKEN, safe=""),
        quote(TOKEN, safe="").lower(),
        quote(quote(TOKEN, safe=""), safe=""),
        json.dumps({"a": json.dumps({"password": TOKEN})}),
        TOKEN.encode().hex(),
        *(
            base64.b64encode(f"{before}{TOKEN}{after}".encode()).decode()
            for before in ("", "a", "ab")
            for after in "xy"
        ),
        base64.urlsafe_b64encode(TOKEN.encode()).decode(),
        "".join(f"%{ord(one):02x}" for one in TOKEN),
        quote("".join(f"%{ord(one):02X}" for one in TOKEN), safe=""),
        "".join(f"\\u{ord(one):04x}" for one in TOKEN),
        TOKEN.replace("7", "\\u0037"),
        TOKEN.replace("/", "\\/"),
        json.dumps(json.dumps("".join(f"\\u{ord(one):04X}" for one in TOKEN))),
        "".join(f"&#{ord(one)};" for one in TOKEN),
        "".join(f"&#x{ord(one):x};" for one in TOKEN),
        "".join(f"\\x{ord(one):02x}" for one in TOKEN),
    ],
)
def test_every_form_of_a_secret_is_recognised(planted: str) -> None:
    assert SECRETS.found_in(f"some text {planted} more")
    assert SECRETS.found_in(f"some text {planted} more".encode())


def test_proofs_are_secrets_too() -> None:
    secrets = Secrets(SECRETS.values, app_secret=SECRETS.app_secret)  # each second since it was made has a proof
    plain, *timed = secrets._proofs().values()  # noqa: SLF001 - the forms it looks for
    assert secrets.found_in(f"&appsecret_proof={plain}")
    assert all(secrets.found_in(proof) for proof in timed)
    assert len(timed) >= 3


def test_innocent_text_is_no_leak() -> None:
    assert SECRETS.found_in("the token of connection msginsights_default has expired (code 190)") == set()


def test_each_channel_is_watched(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    watch = Watch(SECRETS)
    with watch.everything_logged(capfd):
        logging.getLogger("urllib3.connectionpool").debug("GET /?access_token=%s", quote(TOKEN, safe=""))
        print(f"send: Authorization: Bearer {TOKEN}")  # noqa: T201 - what http.client would print
    (tmp_path / "part-0.jsonl").write_text(json.dumps({"token": TOKEN}))
    watch.see_files(tmp_path)
    watch.see("XCom", {"token": TOKEN})
    watch.see_error(_raised())
    channels = {leak.partition(":")[0] for leak in watch.leaks()}
    assert channels >= {"log", "console", "file part-0.jsonl", "XCom", "exception", "pickled exception", "traceback"}


def test_what_a_cause_says_and_what_locals_hold_is_watched() -> None:
    watch = Watch(SECRETS)
    try:
        try:
            raise _raised()
        except ValueError as cause:
            raise KeyError("harmless") from cause
    except KeyError as error:
        watch.see_error(error)
    assert {leak.partition(":")[0] for leak in watch.leaks()} >= {"exception", "traceback"}


def _raised() -> ValueError:
    try:
        int(f"https://graph.facebook.com/?access_token={TOKEN}")
    except ValueError as error:
        return error
    raise AssertionError("an address is no number")
