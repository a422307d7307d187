"""Hooks for the Messaging Insights API."""
