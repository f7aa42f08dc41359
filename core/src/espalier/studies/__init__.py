"""Studies: the loop that samples, evaluates, learns and keeps."""

from .executor import Executor, InProcess, Job
from .exporting import MissingLibraryError, read_trials
from .header import StudyHeader
from .memory import MemoryStore
from .objective import Objective, Outcome, outcome_of
from .owners import GRACE_S, Owner, gone_among, is_alive, is_gone, this_process
from .picture import Picture
from .processes import Processes
from .stopper import Stopper
from .store import TrialStore, ended_already
from .study import Study
from .trial import Trial, TrialStopped
from .views import StudyView


__all__ = [
    "GRACE_S",
    "Executor",
    "InProcess",
    "Job",
    "MemoryStore",
    "MissingLibraryError",
    "Objective",
    "Outcome",
    "Owner",
    "Picture",
    "Processes",
    "Stopper",
    "Study",
    "StudyHeader",
    "StudyView",
    "Trial",
    "TrialStopped",
    "TrialStore",
    "ended_already",
    "gone_among",
    "is_alive",
    "is_gone",
    "outcome_of",
    "read_trials",
    "this_process",
]
