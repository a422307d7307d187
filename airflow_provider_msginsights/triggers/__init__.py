"""Triggers: wait in the triggerer, without a worker slot.

- ``msginsights``: `MessagingInsightsAvailabilityTrigger`, the deferred sensor's wait; start here
- ``resume``: `MessagingInsightsResumeTrigger`, the pause of a throttled load
- ``new_day``: `MessagingInsightsNewDayTrigger`, asset events for an ``AssetWatcher``
- ``new_day_stream``: the one poll that its watchers share
- ``announced_days``: the days that a watcher has announced, in the asset's state store

Waiting triggers are stored with the paths of the first three and their arguments, and asset state stores with the key
and JSON of ``announced_days``: these stay readable. Everything else here may be changed.
"""
