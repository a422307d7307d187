"""How bytes move: two thin drivers of flows, one for workers and scripts, one for triggers. No rule about the API.

In reading order:

- ``settings``: a connection's parts, checked; ``addresses`` and ``proxies``: where calls go;
- ``wire``: requests to HTTP calls and back, the same for both drivers; ``bodies``: replies up to a bound;
- ``credentials``: secrets, added last and taken out of replies; ``redaction``: and in whatever spelling;
- ``clients``: the HTTP libraries, set up once; ``silence``: their log lines kept out;
- ``blocking``: drives flows with requests, on ``workers`` (its threads) and ``connections`` (calls that end in time);
- ``nonblocking``: drives flows with httpx, on clients from ``sharing``.

May be changed without asking: how calls are made, as long as every sent request gets exactly one reply and both drivers
do the same. Ask first about: what ``credentials`` and ``redaction`` take out, and the headers that are let through.
"""
