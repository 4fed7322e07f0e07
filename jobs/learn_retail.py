"""What the demo learns: a small model on the training set `high_value_next_7d`, and what `as_served` changes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from headrace.runner.store import FeatureStore

LABEL, RECENCY = "high_value", "trip_days_since_last"
NOT_FEATURES = ("household_id", "time", "split", LABEL, f"{LABEL}__mature")
COMPARED = ("spend_1d", "spend_7d", "trips_7d")


@dataclass(frozen=True)
class Learned:
    """How well the label is told apart on the later period.

    Attributes:
        train_rows: Rows that were learned from.
        test_rows: Rows that were not.
        rate: Share of true labels among those.
        auc: Area under the curve of the model.
        recency_auc: The same of the days since the last trip alone.
    """

    train_rows: int
    test_rows: int
    rate: float
    auc: float
    recency_auc: float


def learn(rows: DataFrame) -> Learned:
    """Trains on the earlier period, tests on the later one, with the embargo between them left out.

    Args:
        rows: The training set with its split.
    """
    simple = [name for name, kind in rows.dtypes if not kind.startswith(("array", "map"))]
    table = rows.where("split is not null").orderBy("time", "household_id").select(*simple).toPandas()
    features = table.drop(columns=[name for name in NOT_FEATURES if name in table])
    for name in features.select_dtypes(exclude="number"):
        features[name] = pd.Categorical(features[name])
    train, test = table["split"] == "train", table["split"] == "test"
    label = table[LABEL].astype(bool)
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    model.fit(features[train], label[train])
    known = label[test]
    return Learned(
        train_rows=int(train.sum()),
        test_rows=int(test.sum()),
        rate=float(known.mean()),
        auc=float(roc_auc_score(known, model.predict_proba(features[test])[:, 1])),
        recency_auc=float(roc_auc_score(known, -table.loc[test, RECENCY])),
    )


def differences(store: FeatureStore, days: list[str]) -> tuple[int, dict[str, int]]:
    """Rows at noon of some days, and in how many of them each feature differs between `as_served` and `exact`.

    Args:
        store: The project.
        days: Dates at whose beginning (UTC) there is a snapshot.
    """
    noons = [datetime.fromisoformat(f"{day}T00:00:00+00:00") + timedelta(hours=12 + 5) for day in days]  # in New York
    households = store.table("raw.demographics").select("household_id")
    spine = households.crossJoin(store.spark.createDataFrame([(noon,) for noon in noons], "time timestamp"))
    features = [f"household_spend.{name}" for name in COMPARED]
    exact = store.training_set(spine=spine, features=features)
    served = store.training_set(spine=spine, features=features, read="as_served")
    renamed = served.withColumnsRenamed({name: f"served_{name}" for name in COMPARED})
    both = exact.join(renamed, ["household_id", "time"])
    counts = [F.count_if(~F.col(name).eqNullSafe(F.col(f"served_{name}"))).alias(name) for name in COMPARED]
    found = both.agg(F.count(F.lit(1)).alias("rows"), *counts).first()
    assert found is not None
    return found["rows"], {name: found[name] for name in COMPARED}
