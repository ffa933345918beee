"""The launch form, made from the job request's dataclasses: one field per setting, no list of its own.

Django's fields here only carry text; what is right or wrong is decided by `trainer.spec.validate`
alone, so that form, TOML, CLI and REST name the same problem at the same pointer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dcportal.common.problems import Problem
from jobs.notation import as_text
from trainer.spec.fields import Leaf, Section, leaves, sections
from trainer.spec.job import JobSpec
from trainer.spec.merging import value_at
from trainer.spec.notation import from_text, place
from trainer.spec.problems import text as problem_text

HIDDEN = {"schema"}
# Said even when equal to the default, because the portal's own default depends on what is free.
ALWAYS_SAID = {"job.name", "resources.ranks", "resources.gpus"}
Choices = Mapping[str, list[tuple[str, str]]]
BOOLEANS = [("false", gettext_lazy("No")), ("true", gettext_lazy("Yes"))]


@dataclass(frozen=True)
class Group:
    """The fields of one section of the request, everyday ones apart from advanced ones."""

    key: str
    title: str
    help: str
    shown_when: str
    fields: list[forms.BoundField] = field(default_factory=list)
    advanced: list[forms.BoundField] = field(default_factory=list)
    is_nested: bool = False

    @property
    def is_folded(self) -> bool:
        """Rarely touched: shown closed unless something in it is wrong."""
        return self.key in LAST and not any(bound.errors for bound in [*self.fields, *self.advanced])

    @property
    def is_advanced_wrong(self) -> bool:
        """Whether the folded part holds a message that must be seen."""
        return any(bound.errors for bound in self.advanced)


class RequestForm(forms.Form):
    """Fields named by dotted name, as `train.optimiser.learning_rate`.

    `initial_request` fills it, `locked` names settings that keep the template's value, `choices` gives
    the options of settings that name things of this site (team, queue, environment, data set).
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        initial_request: Mapping[str, Any],
        locked: Iterable[str] = (),
        choices: Choices | None = None,
    ) -> None:
        super().__init__(data, auto_id="id_%s")
        self.initial_request = initial_request
        self.locked = frozenset(locked)
        self.is_training = initial_request.get("train") is not None
        for leaf in self._leaves():
            self.fields[leaf.name] = form_field(leaf, (choices or {}).get(leaf.name))
            self.fields[leaf.name].disabled = leaf.name in self.locked
            self.initial[leaf.name] = self._initial(leaf)

    def _leaves(self) -> list[Leaf]:
        return [leaf for leaf in leaves(JobSpec) if leaf.name not in HIDDEN and not self._is_other_kind(leaf)]

    def _is_other_kind(self, leaf: Leaf) -> bool:
        """A trainer configuration has no command and no code of its own, and the other way round."""
        if self.is_training:
            return leaf.name == "command" or leaf.section == "code"
        return leaf.name.startswith("train.")

    def _initial(self, leaf: Leaf) -> str:
        value = value_at(self.initial_request, leaf.name)
        return as_text(leaf, leaf.default if value is None else value)

    def request(self) -> dict[str, Any]:
        """The request that the form's present content stands for; not yet validated."""
        request: dict[str, Any] = {"train": {}} if self.is_training else {}
        for leaf in self._leaves():
            value = from_text(leaf, self._text(leaf))
            is_said = value_at(self.initial_request, leaf.name) is not None
            if is_said or leaf.name in ALWAYS_SAID or not is_default(leaf, value):
                place(request, leaf.name, value)
        return request

    def _text(self, leaf: Leaf) -> str:
        if not self.is_bound or leaf.name in self.locked:
            return str(self.initial[leaf.name])
        key = self.add_prefix(leaf.name)
        if isinstance(self.fields[leaf.name].widget, forms.CheckboxSelectMultiple):
            return ", ".join(self.data.getlist(key))  # type: ignore[attr-defined]
        return self.data.get(key, self.initial[leaf.name]).replace("\r\n", "\n")

    def show_problems(self, problems: Iterable[Problem]) -> None:
        """Put each problem beside its field; one without a field goes to the top."""
        self.full_clean()
        for problem in problems:
            name = problem.pointer.strip("/").replace("/", ".")
            known = next((key for key in self.fields if covers(key, name)), None)
            self.add_error(known, sentence(problem))

    def groups(self) -> list[Group]:
        """The fields section by section: what everybody sets first, the rest folded away behind it."""
        groups = {"": Group("", _("Command"), "", "")}
        for section in sections(JobSpec):
            groups[section.name] = group_of(section)
        for leaf in self._leaves():
            group = groups[leaf.section]
            (group.advanced if leaf.setting.advanced else group.fields).append(self[leaf.name])
        return sorted((group for group in groups.values() if group.fields or group.advanced), key=rank_of)


# By hand: the order in which people think; sections that are not named come in between.
FIRST = ("job", "", "code", "resources")
LAST = ("environment", "data", "secrets")


def rank_of(group: Group) -> tuple[int, int]:
    """Sort key that keeps the request's own order within the middle."""
    if group.key in FIRST:
        return 0, FIRST.index(group.key)
    return (2, LAST.index(group.key)) if group.key in LAST else (1, 0)


def group_of(section: Section) -> Group:
    shown_when = "=".join(section.setting.shown_when) if section.setting.shown_when else ""
    return Group(
        section.name,
        _(section.setting.label),
        _(section.setting.help) if section.setting.help else "",
        shown_when,
        is_nested="." in section.name,
    )


def is_default(leaf: Leaf, value: Any) -> bool:
    """True when leaving the setting out of the request says the same."""
    default = list(leaf.default) if isinstance(leaf.default, tuple) else leaf.default
    return value is None or value == default or (leaf.optional and value == [])


def covers(field_name: str, problem_name: str) -> bool:
    """True when the problem lies at the field or inside its list or map."""
    return problem_name == field_name or problem_name.startswith(f"{field_name}.")


def sentence(problem: Problem) -> str:
    """The problem in the reader's language: the spec's own codes, else the portal's."""
    from dcportal.common import reasons
    from trainer.spec.problems import CODES

    if problem.code in CODES:
        return problem_text(problem, _)
    return reasons.text(problem.code, problem.params)


def form_field(leaf: Leaf, options: list[tuple[str, str]] | None) -> forms.CharField:
    """A text field with the widget that fits the setting."""
    setting = leaf.setting
    return forms.CharField(
        label=_(setting.label) + (f" ({_(setting.unit)})" if setting.unit else ""),
        help_text=_(setting.help) if setting.help else "",
        required=False,
        strip=False,
        widget=widget_for(leaf, options),
    )


def widget_for(leaf: Leaf, options: list[tuple[str, str]] | None) -> forms.Widget:
    attributes = {"data-name": leaf.name, "autocomplete": "off"}
    if leaf.setting.shown_when:
        attributes["data-shown-when"] = "=".join(leaf.setting.shown_when)
    if options is not None and leaf.item_kind:
        return forms.CheckboxSelectMultiple(attributes, choices=options)
    if options is not None:
        return forms.Select(attributes, choices=options)
    if leaf.setting.choices:
        return forms.Select(attributes, choices=[(item, item) for item in leaf.setting.choices])
    if leaf.kind == "boolean":
        return forms.Select(attributes, choices=BOOLEANS)
    if leaf.setting.multiline:
        return forms.Textarea({**attributes, "rows": 4, "class": "textarea-code", "spellcheck": "false"})
    if leaf.kind in {"integer", "number"}:
        attributes["inputmode"] = "numeric" if leaf.kind == "integer" else "decimal"
    return forms.TextInput(attributes)
