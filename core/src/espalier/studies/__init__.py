"""Studies: the loop that samples, evaluates, learns and keeps."""

from .executor import Executor, InProcess, Job
from .header import StudyHeader
from .memory import MemoryStore
from .objective import Objective, Outcome, outcome_of
from .owners import GRACE_S, Owner, is_alive, is_gone, this_process
from .processes import Processes
from .stopper import Stopper
from .store import TrialStore
from .study import Study
from .trial import Trial, TrialStopped


__all__ = [
    "GRACE_S",
    "Executor",
    "InProcess",
    "Job",
    "MemoryStore",
    "Objective",
    "Outcome",
    "Owner",
    "Processes",
    "Stopper",
    "Study",
    "StudyHeader",
    "Trial",
    "TrialStopped",
    "TrialStore",
    "is_alive",
    "is_gone",
    "outcome_of",
    "this_process",
]
