"""The Graph API: one call in, one reply out, without HTTP.

In reading order:

- ``dispatch``: the way of a call, from its token to its reply; ``batch``: many calls in one request;
- ``versions``: versions in paths; ``field_expansion``: the ``fields`` parameter;
- ``insights``: ``/{page-id}/insights``; ``nodes``: Pages, people and their Pages;
- ``oauth``: calls about tokens; ``login_dialog``: the page on which a person allows or denies an app;
- ``legacy_features``: what apps made since v27.0 may no longer use.

Free to change: how it is done. What is answered follows Meta's documentation or a recorded reply, named where it is
used; change an answer only with such a source.
"""
