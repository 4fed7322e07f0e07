"""Makes the table of a draft anew: what it holds is of a definition that the table of today's cannot take in."""

from headrace.changes.recreating import RECREATED, clashes, is_away
from headrace.changes.step import Step
from headrace.errors import UsageError
from headrace.logical import FeatureSet
from headrace.runner.progress import Progress
from headrace.runner.retiring import take_out
from headrace.runner.workspace import Workspace
from headrace.spec import FeatureGroup


def recreate(work: Workspace, step: Step, progress: Progress) -> None:
    """Empties the tables of a draft and gives them the columns of today; the ledger says that its intervals are gone.

    Whatever this is cut off behind, the next plan has the same step again: columns differ until the feature table has
    its new ones, and snapshots of another grid are taken out last. What another run wrote meanwhile goes with them.

    Args:
        work: The project.
        step: Names the group.
        progress: Where it is reported.

    Raises:
        UsageError: The group is no draft.
        InfrastructureError: The lake cannot be written.
    """
    group = work.group(step.group)
    if not group.draft:
        raise UsageError(f"{group.name}@{group.version} is no draft, whose table could be made anew", "make a new plan")
    features, grid, ledger = work.features(group), work.grid(group), work.ledger
    keys = {column.name: column.type for column in features.keys}
    with progress.step("make the table anew"):
        states = ledger.outline(group.name, group.version)
        take_out(work, [state for state in states if not is_away(state, grid)], RECREATED)
        take_out(work, ledger.outline(group.name, group.version, "tiles"), RECREATED)
        work.tile_table(group).recreate(keys)
        work.feature_table(group).recreate(keys, {column.name: column.type for column in features.columns})
        # What came in behind the first look has gone with the rest.
        take_out(work, ledger.outline(group.name, group.version, "tiles"), RECREATED)
        take_out(work, ledger.outline(group.name, group.version), RECREATED)


def require_table(work: Workspace, group: FeatureGroup, features: FeatureSet) -> None:
    """Looks at the table of a draft before anything is computed: it has to take in what comes out.

    Raises:
        UsageError: It has columns of other types.
    """
    if not group.draft:
        return
    columns = work.feature_table(group).table.columns()
    if columns is not None and (found := list(clashes(features, columns))):
        raise not_anew(f"{group.name}@{group.version}", "; ".join(found))


def not_anew(group: str, why: str) -> UsageError:
    """What commands say that do not make tables anew."""
    return UsageError(
        f"{group} is a draft whose table has to be made anew: {why}", "headrace apply does so; or raise its version"
    )
