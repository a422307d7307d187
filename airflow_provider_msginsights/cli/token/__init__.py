"""``msginsights token``: get a token that lasts, keep it alive, and put it where Airflow finds it.

In reading order:

- ``command``: the options of ``token create`` and ``token renew``;
- ``create``: from a pasted token or a login to a saved connection; ``renew``: a new token before the old one ends;
- ``questions``: what is asked in a terminal, or read from options and standard input; secrets are never shown;
- ``login``: Facebook's dialog, answered at ``loopback``, a server on this machine, or by a pasted address;
- ``session``: the work against the API: exchange, report, Pages' own tokens; ``pages``: which Pages loads will read;
- ``saving``: Airflow's database, an environment file (``env_file``), a command (``child``), standard output;
- ``public_report``: what may be committed; ``handover``: who must do what at Meta.

A secret is never in an argument, an environment variable, a log or on the screen, and on disk only where it was asked
for. Free to change: the words. Stable: options, exit codes, the ``--json`` document and that of ``--report``.
"""
