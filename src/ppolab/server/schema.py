"""Everything that crosses the wire, as types: requests, responses and WebSocket messages.

The TypeScript client is generated from this module through the OpenAPI document; a test fails when
the two differ. Numbers that are not finite travel as null.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ppolab.course.ast import Block, Message

PROTOCOL_VERSION = 1


# ---------------------------------------------------------------------------------------- errors


class Problem(Message):
    """An error as RFC 9457 "problem details", with the field, the value and the mend."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None
    value: str | None = None
    mend: str | None = None


class Health(Message):
    """Whether the server works, and with what."""

    status: Literal["ok", "degraded"]
    version: str
    sandbox_backend: str  # "bubblewrap (root)", "bubblewrap (user)", "unsafe-local", "none"
    sandbox_safe: bool
    sandbox_reason: str  # why this backend was chosen, in words
    runs_folder: str


class Readiness(Message):
    """Whether the server can serve now; `waiting_for` names what it still lacks."""

    ready: bool
    waiting_for: list[str]


# ------------------------------------------------------------------------------------------ runs

RunState = Literal[
    "waiting",  # for a free slot
    "starting",  # its process is coming up
    "running",
    "paused",
    "finished",  # reached its planned end
    "stopped",  # ended by a person
    "interrupted",  # its process went away; can be resumed from a checkpoint
    "failed",  # ended by an error, which `state_words` tells
]


RunKindName = Literal["control", "sft", "reward-model", "rlhf", "dpo", "best-of-n"]


class LiveSetting(Message):
    """A setting that may change while the run goes."""

    name: str
    label: str
    value: float
    initial: float  # as the run began with it
    minimum: float
    maximum: float
    step: float
    description: str
    logarithmic: bool  # the slider goes by powers of ten, and `step` counts those


class RunSummary(Message):
    """One run, as a list shows it."""

    id: str
    title: str
    kind: RunKindName
    environment: str
    preset: str | None
    seed: int
    state: RunState
    state_words: str  # e.g. "interrupted at step 20,480: its process went away"
    step: int
    total_steps: int
    created_at: str  # ISO 8601, UTC
    updated_at: str
    recorded: bool  # shipped with the course, not started here
    latest: dict[str, float | None]  # the newest value of each metric
    can_resume: bool


class MetricInfo(Message):
    """What a metric is: its words, its unit, and whose colour it carries."""

    key: str
    label: str
    unit: str
    role: Literal["actor", "critic", "reward", "reference", "none"]
    description: str
    reference: float | None = None  # a target or natural bound worth a line, e.g. 475


class RunDetail(RunSummary):
    """One run with its settings and where its log stands."""

    head: int  # number of events in the log
    config: dict[str, Any]
    versions: dict[str, str]
    settings: list[LiveSetting]
    metrics: list[MetricInfo]
    resumable_step: int | None  # the step of the newest checkpoint


class EpisodeSummary(Message):
    """An episode that was recorded, as a list shows it."""

    name: str
    step: int  # of the checkpoint whose policy played
    seed: int
    deterministic: bool  # the likeliest actions, not drawn ones
    episode_return: float | None  # rewards in the environment's own units, of all agents
    length: int  # steps
    truncated: bool  # cut off by the time limit
    agents: list[str]  # empty where only one acts
    frames_absent: str  # why there are no pictures; empty where there are


class EpisodeFrames(Message):
    """How an episode's pictures lie on its sheets: side by side, row by row."""

    steps: list[int]  # the step before which each was taken; the last is the end
    width: int  # pixels of one picture
    height: int
    columns: int  # of a full sheet
    rows: int
    sheets: int


class Episode(EpisodeSummary):
    """A recorded episode step by step."""

    actions: list[Any]  # numbers, or lists of them, as chosen
    rewards: list[float | None]
    values: list[float | None] | None  # the critic's before each step; null with several agents
    action_probabilities: list[list[float | None]] | None  # before each step, of choices
    frames: EpisodeFrames | None


class StartRun(Message):
    """Ask for a new run."""

    kind: Literal["control", "language"] = "control"
    preset: str
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None  # None: the preset's
    overrides: dict[str, float | int | bool | str] = Field(default_factory=dict)
    after: str | None = None  # language: a finished run of an earlier stage to go on from
    title: Annotated[str, Field(max_length=120)] | None = None


class Figure(Message):
    """A number by which a stage is judged, at its start and at its newest measurement."""

    key: str  # of the metric
    label: str
    before: float | None
    after: float | None


class Stage(Message):
    """One of the stages of RLHF that a run belongs to: done, at work, or still to come."""

    kind: RunKindName
    words: str  # "Fine-tuning"
    run_id: str | None  # None: still to come
    state: RunState | None
    state_words: str
    figures: list[Figure]
    texts_before: list[str]  # answers to the same held-out prompts; empty where none are written
    texts_after: list[str]


class Stages(Message):
    """All stages up to and after a run, in order; empty for runs of other kinds."""

    stages: list[Stage]
    next_ready: bool  # the stage after this run can begin, and has not begun by itself
    presets: list[str]  # that can go on from this run


class RunControl(Message):
    """Ask a run to do something. `step` does one iteration of a paused run, then pauses again."""

    action: Literal["pause", "step", "resume", "stop", "set"]
    name: str | None = None  # for "set": the setting
    value: float | None = None


class Series(Message):
    """Metrics of a run as columns, reduced to about `px` points each by min/max per pixel.

    Each key has its own points, because reduction keeps different steps for each.
    """

    cursor: int  # follow from here
    from_step: int
    to_step: int
    series: dict[str, SeriesColumns]


class SeriesColumns(Message):
    """One metric over steps; null is a value that was not finite or not there."""

    step: list[int]
    value: list[float | None]


class RunEvent(Message):
    """One event of the log that is not a metric, as the page receives it.

    kind → data:
    - state: {state, words}
    - setting: {name, value, from}
    - checkpoint: {file}
    - rewind: {to_step} – the run resumed from an older checkpoint, or (-1) from none; forget what
      lies after to_step
    - histogram: {name, low, high, counts: [rows][bins]} – one row per epoch
    - stage: {name, seconds}
    - sample, alert, tensors: as recorded
    """

    seq: int
    step: int
    t: float  # seconds since the run began
    kind: str
    data: dict[str, Any]


class RunEvents(Message):
    """A slice of the log's events that are not metrics."""

    events: list[RunEvent]
    cursor: int


class RunAt(Message):
    """The state of a run folded at a step: the newest of everything recorded up to it."""

    step: int
    seq: int
    state: RunState
    metrics: dict[str, float | None]
    settings: dict[str, float]
    histograms: dict[str, RunEvent]
    alerts: list[RunEvent]


class Preset(Message):
    """A named configuration of a run."""

    name: str
    title: str
    description: str
    kind: Literal["control", "language"]
    group: str  # under which the page lists it
    environment: str  # or the task
    config: dict[str, Any]
    settings: list[LiveSetting]
    stages: list[str]  # of a language model, in order: "Fine-tuning", "Reward model", "PPO"


# ------------------------------------------------------------------- WebSocket /ws/runs/{id}


class HelloMessage(Message):
    """First message: what the run is and where its log stands."""

    type: Literal["hello"] = "hello"
    protocol: int = PROTOCOL_VERSION
    run: RunDetail
    head: int
    keys: list[str]


class FrameMessage(Message):
    """Metric rows with sequence numbers in (from_seq, to_seq]; columns are aligned with `step`."""

    type: Literal["frame"] = "frame"
    seq: list[int]
    step: list[int]
    t: list[float]
    series: dict[str, list[float | None]]


class EventMessage(Message):
    """An event that is not a metric."""

    type: Literal["event"] = "event"
    event: RunEvent


class ResyncMessage(Message):
    """The client's cursor lies too far back: fetch the series again, then follow from `to`."""

    type: Literal["resync"] = "resync"
    from_seq: int
    to_seq: int


class DoneMessage(Message):
    """The log has ended for now; `run` is its last state. The socket stays open for a resume."""

    type: Literal["done"] = "done"
    run: RunDetail


class PongMessage(Message):
    """Answer to a ping."""

    type: Literal["pong"] = "pong"


class ErrorMessage(Message):
    """A message of the client that could not be used; the socket stays open."""

    type: Literal["error"] = "error"
    problem: Problem


ServerMessage = Annotated[
    HelloMessage
    | FrameMessage
    | EventMessage
    | ResyncMessage
    | DoneMessage
    | PongMessage
    | ErrorMessage,
    Field(discriminator="type"),
]


class SubscribeMessage(Message):
    """Set the frame rate: 20 a second when seen, 5 when the tab is hidden."""

    type: Literal["subscribe"]
    hz: Annotated[float, Field(ge=1, le=60)] = 20.0
    keys: list[str] | None = None  # None: all


class ControlMessage(Message):
    """The same as POST …/control, over the socket."""

    type: Literal["control"]
    control: RunControl


class PingMessage(Message):
    """Keep-alive."""

    type: Literal["ping"]


ClientMessage = Annotated[
    SubscribeMessage | ControlMessage | PingMessage, Field(discriminator="type")
]


# ---------------------------------------------------------------------------------------- course


ItemKind = Literal["lesson", "challenge", "questions", "derivation"]


class LessonLink(Message):
    """Something to learn or do on the map. Questions have the chapter's slug."""

    slug: str
    title: str
    minutes: int
    kind: ItemKind
    done: bool


class ChapterLink(Message):
    """A chapter on the map; one that is not written has goals and no lessons."""

    number: int
    slug: str
    title: str
    phase: str
    goals: list[str]
    written: bool
    lessons: list[LessonLink]


class Phase(Message):
    """One of the three phases of the course."""

    name: str
    summary: str


class CourseMap(Message):
    """The whole course with the learner's progress."""

    title: str
    phases: list[Phase]
    chapters: list[ChapterLink]
    done: int
    total: int  # lessons, challenges, questions and derivations that are written


class Prediction(Message):
    """What the learner predicted and what is right, with the reason for each option."""

    id: str
    chosen: str
    correct: str
    reasons: dict[str, str]


class Lesson(Message):
    """A lesson, ready to render."""

    chapter: str
    chapter_number: int
    chapter_title: str
    slug: str
    number: str  # "4.1"
    title: str
    minutes: int
    summary: str
    blocks: list[Block]
    predictions: dict[str, Prediction]  # those already made
    done: bool
    previous: LessonAddress | None
    next: LessonAddress | None


class LessonAddress(Message):
    """Where a neighbour lies."""

    chapter: str
    slug: str
    title: str
    kind: ItemKind


class MakePrediction(Message):
    """Record a prediction. The first answer is the one that counts."""

    chapter: str
    lesson: str
    id: str
    option: str


class SetProgress(Message):
    """Mark a lesson as done or not done."""

    done: bool


# ------------------------------------------------------------------------------------ assessment

CheckStatus = Literal[
    "pending", "pass", "fail", "error", "timeout", "memory", "protocol", "not_run"
]
ChallengeKind = Literal["function", "class", "training", "distributed", "speed", "configuration"]
Verdict = Literal["pass", "fail", "error", "timeout", "memory", "protocol"]


class CheckInfo(Message):
    """One check of a challenge, as the page announces it."""

    name: str
    title: str
    visible: bool = False  # goes through the examples


class CheckResult(Message):
    """The outcome of one check; `message` says in words what was expected and what came."""

    name: str
    title: str
    status: CheckStatus
    message: str
    visible: bool = False  # goes through the examples that the learner can see
    case: str = ""  # the smallest of them that failed, as a call


class Attempt(Message):
    """A submission and its verdict."""

    id: int
    challenge: str
    status: Literal["queued", "running", "done"]
    verdict: Verdict | None
    summary: str  # one sentence for people
    checks: list[CheckResult]
    output: str  # what the submission printed, at most 64 KB
    backend: str
    seconds: float | None
    created_at: str
    source: str


class AttemptMessage(Message):
    """WebSocket /ws/attempts/{id}: the attempt after each change, until its status is done."""

    type: Literal["attempt"] = "attempt"
    attempt: Attempt


class Hint(Message):
    """A hint, or, while it is locked, how many tries open it."""

    number: int
    after: int  # tries that open it
    blocks: list[Block] | None  # None while it is locked


class ExampleCase(Message):
    """A case that the learner can see: the call, and what is to come of it."""

    name: str
    call: str
    expected: str


class OtherSolution(Message):
    """A right solution that is written in another way."""

    name: str
    source: str


class EngineSource(Message):
    """The engine's own code for the same task."""

    symbol: str
    place: str  # file and lines
    source: str


class AfterPassing(Message):
    """What a learner who has passed may see."""

    explanation: list[Block]
    solutions: list[OtherSolution]
    engine: list[EngineSource]


class Challenge(Message):
    """A challenge, ready to be worked on."""

    slug: str
    title: str
    chapter: str
    minutes: int
    prompt: list[Block]
    starter: str
    kind: ChallengeKind
    entry: str  # the function or class to write
    checks: list[CheckInfo]
    examples: list[ExampleCase]
    hints: list[Hint]
    tries: int  # graded submissions that differ from the starter and from one another
    after: AfterPassing | None  # once it is solved
    solved: bool
    draft: str | None  # the learner's last unsent text
    attempts: int


class SubmitAttempt(Message):
    """Submit code. The size limit is told in the error when it is passed."""

    source: str


class SaveDraft(Message):
    """Keep unsent text."""

    source: str


for _model in (Series, Lesson):
    _model.model_rebuild()
