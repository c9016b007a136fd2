"""The life cycle of a run as a small state machine; its states and transitions are data of the rule set."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.event import LoggedEvent


@dataclass(frozen=True, kw_only=True)
class Transition:
    """A key that ends one state and begins another."""

    sources: frozenset[str]
    """States in which the key may stand."""

    targets: dict[str, str]
    """State that it begins, by the state that it ends; of any other state, it begins the first of these."""

    aborting: frozenset[str]
    """Further states in which it may stand where its status is `aborted`: an abort waits for nothing."""

    rule: str | None
    """Rule that it breaks in any other state; None where conditions say where it may stand."""


@dataclass(frozen=True, kw_only=True)
class LifeCycle:
    """States and the transitions between them."""

    initial: str
    """State of a log before its first event."""

    window: frozenset[str]
    """States between run_start and run_stop."""

    window_words: str
    """The window in words."""

    between: str
    """State of the window outside its intervals."""

    epoch: str
    """State of an epoch."""

    rising: bool
    """Whether the numbers of epochs need only rise, as where they count steps; else they are 1, 2, 3, and so on."""

    states: dict[str, str]
    """Every state in the order of a run, with words that follow "expected" and "found": `in an epoch`."""

    transitions: dict[str, Transition]
    """The keys that change the state."""

    homes: dict[str, str]
    """Interval of the window in which a key stands that stands in no other state."""

    def allows(self, state: str, event: LoggedEvent) -> bool:
        """Say whether this event of a transition key may stand in `state`."""
        transition = self.transitions[event.key]
        aborted = event.metadata.get("status") == "aborted"
        return state in transition.sources or (aborted and state in transition.aborting)

    def after(self, state: str, event: LoggedEvent) -> str:
        """Return the state after an event.

        An event out of turn is followed where it leads onwards, or from one part of the window to another, and an event
        of an interval that nobody opened opens it, so that one missing event is one finding and not a row of them.
        Nothing leads back.
        """
        transition = self.transitions.get(event.key)
        if transition is None:
            return self.homes.get(event.key, state) if state == self.between else state
        within_window = state in self.window and not self.window.isdisjoint(transition.sources)
        order = list(self.states)
        target = transition.targets.get(state) or next(iter(transition.targets.values()))
        follows = self.allows(state, event) or within_window or order.index(target) > order.index(state)
        return target if follows else state

    def reachable(self, state: str) -> frozenset[str]:
        """Return the states in which a log in `state` can still be, itself included, whatever is logged."""
        found = {state}
        while True:
            nexts = {after for before in found for after in self._nexts(before)}
            if nexts <= found:
                return frozenset(found)
            found |= nexts

    def _nexts(self, state: str) -> set[str]:
        """Return the states to which one event may lead; `after` without the event."""
        order = list(self.states)
        follows = set()
        for transition in self.transitions.values():
            target = transition.targets.get(state) or next(iter(transition.targets.values()))
            within_window = state in self.window and not self.window.isdisjoint(transition.sources)
            may_stand = state in transition.sources | transition.aborting
            if may_stand or within_window or order.index(target) > order.index(state):
                follows.add(target)
        return follows | (set(self.homes.values()) if state == self.between else set())

    def words(self, states: frozenset[str]) -> str:
        """Say in words which states these are."""
        if states == self.window:
            return self.window_words
        return " or ".join(text for state, text in self.states.items() if state in states)
