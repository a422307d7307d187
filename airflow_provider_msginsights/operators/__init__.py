"""Operators for the Messaging Insights API."""
