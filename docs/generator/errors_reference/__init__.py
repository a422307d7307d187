"""The reference page of the errors.

- ``ids``: every id that the code can produce, found in it
- ``texts``, ``texts_of_codes``, ``texts_of_inputs``: what the page says of them beyond what the code says
- ``page``: the page
"""
