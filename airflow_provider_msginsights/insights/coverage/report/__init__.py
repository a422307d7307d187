"""How complete a dataset is, for the command line, the gate, the HTML page and the page in Airflow.

In reading order:

- ``model``: the report, and its JSON, whose shape those pages rely on;
- ``shown_cells``: cells as people see them, over all parts;
- ``build``: from ledgers, Pages, findings and acknowledgements to the report.

May be changed without asking: reasons in words. States, statuses and the fields of the JSON are read by pages and by
people's own tools: add to them, and rename none.
"""
