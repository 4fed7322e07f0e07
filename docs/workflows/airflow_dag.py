"""An Airflow DAG: what is due, once a day, in the order of the plan.

One task runs all groups in one Spark session: `apply` goes on with other groups where one fails with 2, 3 or 4, and its
exit code says what to do about it. 4 (another run was first) and 5 (Spark, storage) are worth another try; 2 and 3 are
not: a person has to look at a definition or at data. `headrace` must be on the PATH of the worker, and HEADRACE_CONF
name a configuration that maps every table of the definitions.
"""

import os
import subprocess
from datetime import datetime, timedelta

from airflow.decorators import dag, task
from airflow.exceptions import AirflowException, AirflowFailException

PROJECT = os.environ.get("HEADRACE_PROJECT", "/srv/features")
CONF = os.environ.get("HEADRACE_CONF", "conf/cluster.yaml")
FOR_PEOPLE = (1, 2, 3)


def headrace(line: str) -> None:
    """Runs a command line; its output is the task's log."""
    code = subprocess.run(["headrace", "--project", PROJECT, "--conf", CONF, *line.split()], check=False).returncode
    if code in FOR_PEOPLE:
        raise AirflowFailException(f"headrace {line} exited with {code}: no use in another try")
    if code:
        raise AirflowException(f"headrace {line} exited with {code}")


@dag(
    dag_id="headrace",
    schedule="30 2 * * *",  # UTC: intervals are over at midnight UTC, and sources are loaded by then
    start_date=datetime(2024, 1, 1),
    catchup=False,  # `apply` finds all that is due by itself
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=10)},
)
def features() -> None:
    """Feature groups first, then what is learnt from them."""

    @task
    def lint() -> None:
        headrace("lint")

    @task
    def apply() -> None:
        headrace("apply")

    @task
    def training_set() -> None:
        headrace("training-set high_value_next_7d")

    lint() >> apply() >> training_set()


features()
