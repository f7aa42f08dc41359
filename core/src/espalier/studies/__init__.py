"""Studies: the loop that samples, evaluates, learns and keeps."""

from .executor import Executor, InProcess, Job
from .header import StudyHeader
from .memory import MemoryStore
from .objective import Objective, Outcome, outcome_of
from .stopper import Stopper
from .store import TrialStore, is_alive, this_process
from .study import Study
from .trial import Trial, TrialStopped


__all__ = [
    "Executor",
    "InProcess",
    "Job",
    "MemoryStore",
    "Objective",
    "Outcome",
    "Stopper",
    "Study",
    "StudyHeader",
    "Trial",
    "TrialStopped",
    "TrialStore",
    "is_alive",
    "outcome_of",
    "this_process",
]
