"""What the calls of one process share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .config import ServeConfig
from .keys import Keys
from .metrics import Metrics
from .references import Pictures
from .store import Store

if TYPE_CHECKING:
    from ..app.session import Session


class Readiness(NamedTuple):
    """Whether work can be done, and by what."""

    is_ready: bool
    models: tuple[str, ...] = ()
    """Those that are open, and what each really runs on."""
    error: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Handed to every call; nothing of it is global."""

    config: ServeConfig
    store: Store
    keys: Keys
    pictures: Pictures
    metrics: Metrics
    session: Session
    """Checks settings; opens nothing by itself."""
    wake: Callable[[], None]
    """Called when something was accepted."""
    readiness: Callable[[], Readiness]
    is_working: Callable[[], bool]
    """Whether somebody takes on what waits."""
    stopping: threading.Event
    """Set as soon as the server is told to end: nothing waits any longer."""
