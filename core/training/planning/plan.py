"""A plan: the settings of a training on one data set, with a reason for each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from core.config import AUTO, TrainConfig, preset_config
from core.data.dataset import DataFolder, as_task, open_data
from core.policy.permissions import needs
from core.policy.policy import current_policy
from core.system.formatting import dimensions
from core.training import estimate
from core.training.estimate import Speed
from core.training.planning import rules
from core.training.planning.fingerprint import USUAL, Fingerprint, fingerprint_of
from core.training.planning.rules import Facts

CLEAR_LOSS = 0.02  # of Dice, from which a worse size is worth a sentence


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided and why. `is_given`: somebody had set it, against or with the plan."""

    title: str
    settings: dict[str, Any]
    reason: str
    is_given: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`config` is complete and can be trained. `warnings` say what a bad choice costs."""

    config: TrainConfig
    choices: tuple[Choice, ...]
    fingerprint: Fingerprint
    warnings: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """One for each choice, beginning with what is chosen."""
        return [f"{choice.title}: {choice.reason}" for choice in self.choices]

    def to_dict(self) -> dict[str, Any]:
        """For plan.json: everything, as JSON has it."""
        return {
            "settings": {k: v for choice in self.choices for k, v in choice.settings.items()},
            "choices": [asdict(choice) for choice in self.choices],
            "sentences": self.sentences,
            "warnings": list(self.warnings),
            "fingerprint": self.fingerprint.to_dict(),
        }


@needs("train")
def settings_for(preset: str, data: Path, **given: Any) -> tuple[TrainConfig, Plan | None]:
    """The settings of a preset on a data set; of Auto those of a plan, and the plan. Raises UserError."""
    if preset != AUTO:
        return preset_config(preset, data, **given), None
    plan = plan_training(data, **given)
    return plan.config, plan


@needs("train")
def plan_training(data: Path | DataFolder, minutes: float = 0.0, **given: Any) -> Plan:
    """Look at a data set and plan a training of this many minutes, by default the preset's, on this machine.

    `given` are settings that somebody has chosen: the plan leaves them as they are and says so. Epochs among
    them take the place of the minutes. Raises UserError where the data cannot be trained on, or settings
    make no sense together.
    """
    folder = data if isinstance(data, DataFolder) else open_data(data)
    return make_plan(fingerprint_for(folder, **given), speed_here(given), folder.root, minutes, given)


@needs("train")
def fingerprint_for(data: DataFolder, **given: Any) -> Fingerprint:
    """What a data set is like, its masks read as the given settings say."""
    task = {name: given[name] for name in ("task", "ignore_index", "class_names") if name in given}
    wanted = TrainConfig("-", **task)
    return fingerprint_of(as_task(data, wanted.task, wanted.ignore_index, wanted.named_classes))


def make_plan(
    data: Fingerprint,
    speed: Speed,
    folder: Path | str,
    minutes: float = 0.0,
    given: Mapping[str, Any] | None = None,
) -> Plan:
    """The rules applied to what is known. Raises UserError where given settings make no sense."""
    chosen = dict(given or {})
    minutes = _allowed(minutes or chosen.get("minutes") or preset_config(AUTO, "-").minutes)
    facts = Facts(data, speed, minutes, chosen)
    choices = []
    for rule in rules.RULES:
        proposal = rule(facts)
        settings = dict(proposal.settings)
        if rule is rules.time and "epochs" in chosen:
            settings |= {"minutes": 0.0}
        set_here = {name: chosen[name] for name in settings if name in chosen}
        reason = (
            _overruled(proposal.reason, settings, set_here)
            if _differ(settings, set_here)
            else proposal.reason
        )
        settings |= set_here
        choices.append(Choice(proposal.title, settings, reason, bool(set_here)))
        facts = replace(facts, now={**facts.now, **settings})
    config = TrainConfig.from_dict({**facts.now, "data": str(folder), "preset": AUTO})
    return Plan(config, tuple(choices), data, tuple(_warnings(facts)))


def speed_here(given: Mapping[str, Any]) -> Speed:
    """The speed of this machine at 256x192 with the given network; a slow machine's where none is known."""
    named = {name: given[name] for name in ("architecture", "encoder", "device", "devices") if name in given}
    config = TrainConfig.from_dict({"data": "-", **named, "height": USUAL[0], "width": USUAL[1]})
    return estimate.speed(config) or estimate.Speed(
        "", config.device, config.encoder, config.architecture, *USUAL, estimate.UNMEASURED
    )


def _allowed(minutes: float) -> float:
    """No more than this server allows, with a little left for the end."""
    most = current_policy().training_minutes
    return min(minutes, 0.95 * most) if most else minutes


def _differ(settings: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    return any(settings[name] != value for name, value in given.items())


def _overruled(reason: str, settings: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """A sentence for settings that are not the plan's."""
    changed = {name: value for name, value in given.items() if settings[name] != value}
    words = " and ".join(f"{name} {value}" for name, value in changed.items())
    return f"as you set it ({words}). The plan would have been: {reason}"


def _warnings(facts: Facts) -> list[str]:
    """What the size of the other presets would cost, or what the chosen one costs already."""
    data, size = facts.data, facts.size
    if facts.is_in_patches:  # at full resolution, which loses nothing
        return []
    own, usual = data.kept_at(*size), data.kept_at(*USUAL)
    if usual < own - CLEAR_LOSS:
        return [f"At {dimensions(*USUAL)}, the size of the other presets, the masks themselves keep only "
                f"{usual:.2f} of their Dice."]  # fmt: skip
    if own < 1 - 2 * CLEAR_LOSS:
        return [f"At {dimensions(*size)} the masks themselves keep only {own:.2f} of their Dice: more time "
                "allows a larger size."]  # fmt: skip
    return []
