"""Hooks: an Airflow connection in, Messaging Insights out.

- ``msginsights``: `MessagingInsightsHook`, all that users call; start here
- ``connection``: reads and checks the connection's fields
- ``polling``: polls from a triggerer, many at a time
- ``token_check``: reports on the connection's token

The module path of ``msginsights`` and its public methods (``docs/project/compatibility.md``) stay as they are;
everything else here may be changed.
"""
