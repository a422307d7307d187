"""Whether Pacific days are available yet.

- ``polling``: what one probe finds (`Availability`), and probes repeated in one flow
- ``requirement``: whether that is enough (`Requirement`, `Readiness`)
- ``check``: the wait of sensor and triggers: `AvailabilityCheck`, and `PollState` from poll to poll

Stored triggers hold what `AvailabilityCheck.to_dict` returns: its names and meanings stay. Everything else here may be
changed.
"""
