"""Triggers for the Messaging Insights API."""
