"""What a dataset holds and lacks, and what to request so that it lacks nothing. Pure: no I/O and no clock.

In reading order:

- ``cells``: the states of a cell (Page, metric, Pacific day), one byte each, and what an answer makes of them;
- ``answers``: what a run requested and was answered;
- ``series``: the cells of one metric of one Page;
- ``ledger``: all that is known of a part's cells, and its JSON;
- ``gaps``: which cells are missing, and the fewest requests for them;
- ``hand_edited``: JSON files that people edit, refused with the line of a fault;
- ``pages``: which part holds each Page, and the Page's time in the dataset;
- ``filling``: what a fill works on, and in which order;
- ``findings``: what a person should look at;
- ``report``: how complete a dataset is, for people, gates and pages.

The transitions in ``cells`` may be changed only together with the property that every history converges.
"""
