"""The as-of set by Feast's Spark offline store: `by_feast.py FOLDER`, by a Python that has Feast and no Headrace.

Feast joins features that something else has computed: it has neither windows nor labels of its own.
"""

import sys
from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureStore, FeatureView, Field, RepoConfig
from feast.infra.offline_stores.contrib.spark_offline_store.spark import SparkOfflineStoreConfig
from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource
from feast.types import Float64, Int64
from feast.value_type import ValueType
from pyspark.sql import DataFrame, SparkSession
from timing import timed

FOLDER = Path(sys.argv[1]).resolve()
CONF = {
    "spark.master": "local[2]",
    "spark.driver.memory": "2g",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.adaptive.enabled": "false",
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}


def main() -> None:
    spark = SparkSession.builder.config(map=CONF).getOrCreate()
    spine = spark.read.parquet(str(FOLDER / "spine"))
    spine.withColumnRenamed("t", "event_timestamp").createOrReplaceTempView("spine")
    config = RepoConfig(
        project="peers",
        provider="local",
        registry=str(FOLDER / "feast_registry.db"),
        offline_store=SparkOfflineStoreConfig(type="spark", spark_conf=CONF),
        online_store=None,
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    thing = Entity(name="thing", join_keys=["key"], value_type=ValueType.INT64)
    source = SparkSource(
        name="daily",
        path=str(FOLDER / "daily"),
        file_format="parquet",
        timestamp_field="row_time",
        created_timestamp_column="created",
    )
    daily = FeatureView(
        name="daily",
        entities=[thing],
        ttl=timedelta(days=30),
        schema=[Field(name="spend", dtype=Float64), Field(name="visits", dtype=Int64)],
        source=source,
        online=False,
    )
    store.apply([thing, daily])

    def as_of(seen: bool) -> DataFrame:
        job = store.get_historical_features(
            entity_df="SELECT id, key, event_timestamp FROM spine",
            features=["daily:spend", "daily:visits"],
            filter_by_created_timestamp=seen,
        )
        return job.to_spark_df().select("id", "key", "spend", "visits")

    timed(FOLDER / "feast", {"as_of": lambda: as_of(True), "as_of_unseen": lambda: as_of(False)})


main()
