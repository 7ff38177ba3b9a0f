"""Published kernel configurations, read by the parser of chapter 01, and the table made of them."""

from __future__ import annotations

import re

import pytest

from helpers import kernel
from tools import marked, published

NAMES = [option.name for option in kernel.OPTIONS]
ASKED = {option for _, options in published.PARTS for option in options}
MORE = {"CONFIG_DUMMY", "CONFIG_FTRACE", "CONFIG_FTRACE_SYSCALLS", "CONFIG_IKCONFIG_PROC"}
MORE |= {"CONFIG_SECURITY_LOCKDOWN_LSM", "CONFIG_BPF_UNPRIV_DEFAULT_OFF", "CONFIG_ARM64_16K_PAGES"}


def test_the_page_has_what_the_excerpts_say():
    found = [published.read(published.FOLDER / f"{name}.config") for name in published.ORDER]
    assert marked.part(published.PAGE, "published") == published.markdown(found)
    assert {path.stem for path in published.FOLDER.glob("*.config")} == set(published.ORDER)


@pytest.mark.parametrize("name", published.ORDER)
def test_an_excerpt_names_its_source_and_holds_nothing_else(name):
    path = published.FOLDER / f"{name}.config"
    head, lines = path.read_text().splitlines()[:4], path.read_text().splitlines()[4:]
    assert re.match(r"# https://github\.com/[\w-]+/[\w-]+/blob/[0-9a-f]{40}/\S+$", head[2])
    assert head[3] == "# SPDX-License-Identifier: GPL-2.0-only"
    options = published.read(path).config.options
    assert len(options) == len(lines)
    assert set(options) <= ASKED | MORE | set(NAMES)


def test_chapter_01_shows_such_a_configuration_as_it_shows_its_own():
    shown = repr(kernel.options_table(published.read(published.FOLDER / "wsl.config").config))
    assert re.search(r"CONFIG_BPF_EVENTS\s+y\s", shown)
    assert re.search(r"CONFIG_BPF_STREAM_PARSER\s+n\s", shown)
    assert re.search(r"CONFIG_TEST_BPF\s+absent\s", shown)


@pytest.mark.parametrize(
    ("lines", "options", "said"),
    [
        ([], ("CONFIG_NET_NS", "CONFIG_USER_NS"), "no"),
        (["CONFIG_USER_NS=y"], ("CONFIG_NET_NS", "CONFIG_USER_NS"), "yes"),
        (["# CONFIG_NET_NS is not set", "CONFIG_USER_NS=y"], ("CONFIG_NET_NS",), "no"),
        (["CONFIG_NET_CLS_BPF=m"], ("CONFIG_NET_CLS_BPF",), "module"),
        (["CONFIG_NET_CLS_BPF=m"], ("CONFIG_NET_CLS_BPF", "CONFIG_NET_SCH_INGRESS"), "not named"),
    ],
)
def test_the_weakest_of_what_is_needed_together_counts(lines, options, said):
    config = kernel.Config(published.FOLDER, kernel.parse(lines))
    assert published.value(config, options) == said
