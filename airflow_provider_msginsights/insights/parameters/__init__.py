"""What people, templates and XCom write for a parameter, read once before any request.

In reading order:

- ``values``: what a single value is, and how a message shows it without showing a token;
- ``numbers``: parameters that are numbers, and their bounds;
- ``parse``: every other parameter.

May be changed without asking: messages, and spellings that are accepted in addition. What was accepted stays accepted,
and means the same: DAGs hold it.
"""
