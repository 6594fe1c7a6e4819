"""`multifaceswap doctor`: what works on this machine and what to do about the rest."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..app.doctor import examine
from . import console


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="the device to look at, as in swap (default: %(default)s)")


def run(arguments: Namespace) -> int:
    wrong = 0
    for finding in examine(arguments.device):
        console.say(f"{'!' if finding.cure else ' '} {finding.topic}: {finding.text}")
        for line in finding.cure.splitlines():
            console.say(f"    {line}")
        wrong += bool(finding.cure)
    console.say(f"{wrong} to fix" if wrong else "no problems found")
    return 1 if wrong else 0
