"""The other end of the wire: the Messaging Insights API as a local server."""
