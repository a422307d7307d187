"""HTTP around the Graph API and the control plane.

In reading order:

- ``wire``: requests read as Graph calls, replies written as responses, with what faults do to them on the way;
- ``server``: one Starlette application, in a thread of its own.

Free to change: all of it, as long as the bytes on the wire stay those of the API: statuses, headers, and what a fault
breaks of them.
"""
