"""The control plane: how a test steers the emulator, from its own process or over HTTP.

In reading order:

- ``api``: everything that a test can read and change; ``GraphEmulator`` inherits it;
- ``access_controls``: the part of it about metrics, permissions and Pages that come and go;
- ``handlers``: the same methods as functions from JSON to JSON;
- ``routes``: their paths under ``/_emulator/``;
- ``origins``: programs may use them, web pages may not.

Free to change: anything behind the methods and routes. Stable: the public methods and the routes. A new method gets a
route, so that tests in other languages have it too.
"""
