"""The helpers of all tests."""
