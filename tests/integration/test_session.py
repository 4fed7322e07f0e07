def test_session(spark):
    assert spark.range(3).count() == 3
