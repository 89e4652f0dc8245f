"""Options that labctl and vmctl have in common."""

from __future__ import annotations

import argparse


def add_root(actions):
    """The subcommand that builds roots."""
    parser = actions.add_parser("root", help="build the machines' shared roots, unless they are in the cache")
    parser.add_argument("package", nargs="*", help="Debian packages, beside those every machine has")
    _add_release(parser)
    return parser


def add_up(actions, text):
    """The subcommand that makes the lab."""
    parser = actions.add_parser("up", help=text)
    parser.add_argument("--clouds", type=int, help="how many (default: as many as there are, else 2)")
    parser.add_argument("--root", help="what `root` answered (default: the last one used)")
    parser.add_argument(
        "--nat",
        nargs="*",
        metavar="EDGE",
        help="edges behind the router's NAT, none if no name follows (default: as is)",
    )
    parser.add_argument(
        "--tenant",
        nargs="*",
        metavar="NAME",
        help="organizations beside acme, none if no name follows (default: as is)",
    )
    parser.add_argument(
        "--pair",
        nargs="*",
        metavar="CLOUD",
        help="clouds with two org edges, none if no name follows (default: as is)",
    )
    parser.add_argument("--off", nargs="*", default=[], metavar="MACHINE", help="machines that are not started")
    _add_release(parser)
    return parser


def releases(arguments):
    """machine → release, or None when nothing is said of them."""
    return None if arguments.release is None else dict(arguments.release)


def _add_release(parser):
    parser.add_argument(
        "--release",
        nargs="*",
        type=_pair,
        metavar="MACHINE=RELEASE",
        help="machines of another Debian release than this host's, none if no name follows (default: as is)",
    )


def _pair(text):
    machine, equals, release = text.partition("=")
    if not (machine and equals and all(name.isalnum() for name in release.split("+", 1))):
        raise argparse.ArgumentTypeError(f"{text!r} is not MACHINE=RELEASE, as edge-west=trixie")
    return machine, release
