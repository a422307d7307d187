"""What a person should look at in a dataset, said once, explained and acknowledged.

In reading order:

- ``kinds``: the kinds of findings, and what is said of each;
- ``part_days``: on which days the Pages of a part have rows, as masks;
- ``rules``: what is found in a ledger;
- ``state``: what was found before, so that people hear of new and ended findings only;
- ``silent_cause``: why a Page fell silent;
- ``acknowledgements``: what people know of already.

The words may be changed without asking. The kinds and the fields of findings stand in manifests, asset events and
people's files: add to them, and rename none.
"""
