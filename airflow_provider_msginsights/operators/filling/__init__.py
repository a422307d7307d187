"""A fill: what a dataset lacks, requested and stored, within bounds.

- `config`: rendered parameters -> `FillConfig`.
- `task`: `FillTask`: what is missing, round by round, to a result.
- `report`: what a fill did, for its manifest, XCom and asset events.
- `gate`: the coverage check: which Pages are complete, and why others are not.

How a fill goes about it may be changed; its manifest's fields may only be added to.
"""
