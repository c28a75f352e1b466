"""When compiled code is worth loading: once a process has done as much without it as loading it takes."""

from dataclasses import dataclass


@dataclass
class Without:
    """What this process has done without the code, in the unit of the work."""

    done: int = 0

    def is_enough(self, work: int, few: int, loading: int) -> bool:
        """Whether to do some work with the code. `few`: too little even once it is loaded; `loading`: what that takes.

        What is not to be done with it is counted as done without.
        """
        if work >= min(few, loading) and self.done + work >= loading:
            return True
        self.done += work
        return False
