"""The page that shows what a dataset holds and lacks: in Airflow's UI, and as a file."""
