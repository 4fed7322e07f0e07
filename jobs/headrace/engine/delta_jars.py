"""How Spark gets Delta's jars: from the Ivy cache where an earlier start left them, else Maven Central."""

from collections.abc import Mapping
from pathlib import Path
from zipfile import is_zipfile

from headrace.engine.preflight import DELTA_PACKAGE, DELTA_VERSION

PACKAGES = "spark.jars.packages"
CLASS_PATH = "spark.driver.extraClassPath"
IVY_HOME = "spark.jars.ivy"
NEEDED = (f"io.delta_delta-spark_4.1_2.13-{DELTA_VERSION}.jar", f"io.delta_delta-storage-{DELTA_VERSION}.jar")
# The rest of what Ivy fetches comes with Spark itself, and earlier on the class path it would replace that.
OURS = (f"io.delta_*-{DELTA_VERSION}.jar", "io.unitycatalog_*.jar")


def conf(user: Mapping[str, str], on_class_path: bool) -> dict[str, str]:
    """The settings that bring Delta's jars into a Spark we start.

    Jars that are in the Ivy cache go straight on the driver's class path, which saves resolving and copying
    them (1.7 s of 5.5 s); executors elsewhere need Spark to send them the jars.

    Args:
        user: The user's own `spark.conf`.
        on_class_path: Whether the driver is all there is.
    """
    packages = user.get(PACKAGES, "")
    if "io.delta:delta-spark" in packages:
        return {}
    jars = cached(Path(user.get(IVY_HOME, Path.home() / ".ivy2.5.2"))) if on_class_path and not packages else []
    if not jars:
        return {PACKAGES: ",".join(filter(None, (DELTA_PACKAGE, packages)))}
    return {CLASS_PATH: ":".join(filter(None, (*map(str, jars), user.get(CLASS_PATH))))}


def cached(ivy_home: Path) -> list[Path]:
    """Delta's jars in the Ivy cache, or none when any that is needed is missing or cut short."""
    folder = ivy_home / "jars"
    if not all(is_zipfile(folder / name) for name in NEEDED):
        return []
    return sorted(jar for pattern in OURS for jar in folder.glob(pattern) if is_zipfile(jar))
