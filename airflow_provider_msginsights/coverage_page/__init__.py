"""The page that shows what a dataset holds and lacks: in Airflow's UI, and as a file.

``plugin`` is what Airflow loads, ``app`` serves the page's files in Airflow's API server, ``html_file`` makes one file
of them and of a report; ``static/`` holds its scripts and style.
"""
