"""Sockets, schemas, nodes and what they give back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Input:
    def __init__(self, id, display_name=None, optional=False, tooltip=None, extra_dict=None, advanced=None):
        self.id, self.display_name, self.optional = id, display_name, optional
        self.tooltip, self.advanced, self.extra_dict = tooltip, advanced, extra_dict or {}

    def get_io_type(self):
        return self.io_type


class _Widget(Input):
    def __init__(self, id, display_name=None, optional=False, tooltip=None, default=None, advanced=None):
        super().__init__(id, display_name, optional, tooltip, advanced=advanced)
        self.default = default


class _Number(_Widget):
    def __init__(self, id, *, min=None, max=None, step=None, **texts):
        super().__init__(id, **texts)
        self.min, self.max, self.step = min, max, step


class _Choice(_Widget):
    def __init__(self, id, options=None, **texts):
        super().__init__(id, **texts)
        self.options = options


class Output:
    def __init__(self, id=None, display_name=None, tooltip=None, is_output_list=False):
        self.id, self.display_name, self.tooltip, self.is_output_list = id, display_name, tooltip, is_output_list

    def get_io_type(self):
        return self.io_type


def Custom(io_type: str, made: type[Input] = Input) -> Any:
    sockets = {base.__name__: type(base.__name__, (base,), {"io_type": io_type}) for base in (Output,)}
    sockets["Input"] = type("Input", (made,), {"io_type": io_type})
    return type(io_type, (), {"io_type": io_type, **sockets})


Image = Custom("IMAGE")
Mask = Custom("MASK")
Video = Custom("VIDEO")
Int = Custom("INT", _Number)
Float = Custom("FLOAT", _Number)
Boolean = Custom("BOOLEAN", _Widget)
String = Custom("STRING", _Widget)
Combo = Custom("COMBO", _Choice)


class Hidden(Enum):
    """What the host hands to nodes that ask for it."""

    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"


@dataclass
class Schema:
    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    description: str = ""
    search_aliases: list = field(default_factory=list)
    hidden: list = field(default_factory=list)
    is_output_node: bool = False
    has_intermediate_output: bool = False

    def validate(self):
        for sockets in (self.inputs, self.outputs):
            ids = [socket.id for socket in sockets]
            assert len(set(ids)) == len(ids), f"{self.node_id}: sockets of the same id among {ids}"


class _Locked(type):
    """Classes that nodes run on: whatever they store there is an error, as in ComfyUI."""

    def __setattr__(cls, name, value):
        raise AttributeError(f"{cls.__name__} is locked: {name} can't be set")


class ComfyNode:
    RELATIVE_PYTHON_MODULE = None
    hidden = None

    @classmethod
    def GET_SCHEMA(cls):
        schema = cls.define_schema()
        schema.validate()
        return schema

    @classmethod
    def locked(cls, hidden=None):
        return _Locked(cls.__name__, (cls,), {"hidden": hidden})


class NodeOutput:
    def __init__(self, *args, ui=None):
        self.args, self.ui = args, ui
