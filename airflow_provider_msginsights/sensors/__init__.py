"""Sensors for the Messaging Insights API."""
