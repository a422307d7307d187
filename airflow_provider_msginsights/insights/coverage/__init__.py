"""What a dataset holds and lacks, and what to request so that it lacks nothing. Pure: no I/O and no clock.

In reading order:

- ``cells``: the states of a cell (Page, metric, Pacific day), one byte each, and what an answer makes of them;
- ``answers``: what a run requested and was answered;
- ``series``: the cells of one metric of one Page;
- ``ledger``: all that is known of a part's cells, and its JSON;
- ``gaps``: which cells are missing, and the fewest requests for them;
- ``hand_edited``: JSON files that people edit, refused with the line of a fault;
- ``pages``: which part holds each Page, and the Page's time in the dataset;
- ``part_days``: on which days the Pages of a part have rows, as masks;
- ``finding_kinds``, ``findings``: what a person should look at, and what is said of it;
- ``findings_state``: what was found before, so that people hear of new and ended findings only;
- ``silent_cause``: why a Page fell silent;
- ``acknowledgements``: what people know of already.

Loads do not keep ledgers yet: this is the arithmetic that they and fills will rest on. The transitions in ``cells`` may
be changed only together with the property that every history converges.
"""
