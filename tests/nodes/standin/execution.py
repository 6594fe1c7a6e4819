"""Checks prompts and runs them, as ComfyUI does where the tests look: types, ranges, menus, lists, caching, Cancel."""

from __future__ import annotations

import inspect
import traceback
from types import SimpleNamespace

import comfy.model_management as management
from comfy_api.latest import io

NODES = {}


def _is_link(value):
    return isinstance(value, list)


def _sockets(node_class):
    """Inputs as (type, options, required) by name, and output types."""
    if issubclass(node_class, io.ComfyNode):
        schema = node_class.GET_SCHEMA()
        inputs = {i.id: (i.get_io_type(), vars(i), not i.optional) for i in schema.inputs}
        return inputs, [o.get_io_type() for o in schema.outputs]
    listed = node_class.INPUT_TYPES()["required"]
    return {name: (kind[0], {}, True) for name, kind in listed.items()}, list(node_class.RETURN_TYPES)


def validate(prompt):
    """Errors a node id: (type, details)."""
    found = {node_id: _node_errors(prompt, node) for node_id, node in prompt.items()}
    return {node_id: errors for node_id, errors in found.items() if errors}


def _node_errors(prompt, node):
    node_class = NODES[node["class_type"]]
    inputs, _ = _sockets(node_class)
    own_check = getattr(node_class, "validate_inputs", None)
    unchecked = inspect.signature(own_check).parameters if own_check else {}
    errors = []
    for name, (kind, options, required) in inputs.items():
        value = node["inputs"].get(name)
        if value is None:
            errors += [("required_input_missing", name)] if required else []
        elif _is_link(value):
            given = _sockets(NODES[prompt[value[0]]["class_type"]])[1][value[1]]
            errors += [("return_type_mismatch", name)] if given != kind else []
        elif name not in unchecked:
            errors += _range_errors(name, kind, value, options)
    if own_check:
        plain = {n: v for n, v in node["inputs"].items() if n in unchecked and not _is_link(v)}
        said = own_check(**plain)
        errors += [] if said is True else [("custom_validation_failed", str(said))]
    return errors


def _range_errors(name, kind, value, options):
    if kind == "COMBO" and value not in options["options"]:
        return [("value_not_in_list", name)]
    if kind in ("INT", "FLOAT") and value < options.get("min", value):
        return [("value_smaller_than_min", name)]
    if kind in ("INT", "FLOAT") and value > options.get("max", value):
        return [("value_bigger_than_max", name)]
    return []


class PromptExecutor:
    """Keeps what it computed from one prompt to the next, by node and everything the node depends on."""

    def __init__(self):
        self._cache = {}
        self.status_messages = []
        self.ui = {}
        self.extra_pnginfo = None

    def execute(self, prompt, wanted):
        management.interrupt_current_processing(False)
        keys = {node_id: self._key(prompt, node_id) for node_id in prompt}
        self._cache = {key: value for key, value in self._cache.items() if key in keys.values()}
        cached = [node_id for node_id, key in keys.items() if key in self._cache]
        self.status_messages = [("execution_cached", {"nodes": cached})]
        self.ui = {}
        self._prompt = prompt
        node_id = ""
        try:
            for node_id in self._in_order(prompt, wanted):
                if keys[node_id] not in self._cache:
                    self._cache[keys[node_id]] = self._run(prompt, node_id, keys)
        except management.InterruptProcessingException:
            self.status_messages.append(("execution_interrupted", {"node_id": node_id}))
        except Exception as error:  # noqa: BLE001
            said = {"node_id": node_id, "exception_message": str(error), "exception_type": type(error).__qualname__}
            self.status_messages.append(("execution_error", {**said, "traceback": traceback.format_exc()}))
        else:
            self.status_messages.append(("execution_success", {}))

    def _key(self, prompt, node_id):
        node = prompt[node_id]
        parts = [
            (name, (self._key(prompt, value[0]), value[1]) if _is_link(value) else value)
            for name, value in sorted(node["inputs"].items())
        ]
        return node["class_type"], tuple(parts)

    def _in_order(self, prompt, wanted):
        order = {}

        def visit(node_id):
            for value in prompt[node_id]["inputs"].values():
                if _is_link(value):
                    visit(value[0])
            order[node_id] = True

        for node_id in wanted:
            visit(node_id)
        return order

    def _run(self, prompt, node_id, keys):
        node = prompt[node_id]
        node_class = NODES[node["class_type"]]
        lists = {
            name: self._cache[keys[value[0]]][value[1]] if _is_link(value) else [value]
            for name, value in node["inputs"].items()
        }
        calls = max((len(values) for values in lists.values()), default=1)
        results = []
        for call in range(calls):
            management.throw_exception_if_processing_interrupted()
            arguments = {name: values[min(call, len(values) - 1)] for name, values in lists.items()}
            results.append(self._call(node_class, node_id, arguments))
        spread = getattr(node_class, "OUTPUT_IS_LIST", [False] * len(results[0]))
        return [
            [value for result in results for value in (result[slot] if spread[slot] else [result[slot]])]
            for slot in range(len(results[0]))
        ]

    def _call(self, node_class, node_id, arguments):
        if not issubclass(node_class, io.ComfyNode):
            return getattr(node_class(), node_class.FUNCTION)(**arguments)
        asked = [one.name for one in node_class.GET_SCHEMA().hidden]
        hidden = SimpleNamespace(prompt=self._prompt, extra_pnginfo=self.extra_pnginfo) if asked else None
        output = node_class.locked(hidden).execute(**arguments)
        if output.ui is not None:
            self.ui[node_id] = output.ui if isinstance(output.ui, dict) else output.ui.as_dict()
        return output.args
