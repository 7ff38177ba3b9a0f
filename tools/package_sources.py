"""Where Python packages come from here: the user's settings for pip and uv, for both installers.

Laboratory equipment. Settings that say where (indexes, folders, certificates, proxies) are
honoured, and handed to uv as well as to pip; those that say how or whereto are not. The list is
docs/settings.md. Standard library only: it runs before anything is installed.
Source: pip's "Configuration", uv's "Environment variables" and "Settings".
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

# What is honoured, by pip's name for it; uv's variables for it.
UV_VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find-links": ("UV_FIND_LINKS",),
    "no-index": (),
    "trusted-host": ("UV_INSECURE_HOST",),
    "cert": (),
    "client-cert": ("SSL_CLIENT_CERT",),
    "proxy": (),
    "timeout": ("UV_HTTP_TIMEOUT",),
    "retries": ("UV_HTTP_RETRIES",),
    "keyring-provider": ("UV_KEYRING_PROVIDER",),
    "cache-dir": ("UV_CACHE_DIR",),
    "index-strategy": ("UV_INDEX_STRATEGY",),
    "offline": ("UV_OFFLINE",),
    "system-certs": ("UV_SYSTEM_CERTS", "UV_NATIVE_TLS"),
}
# uv's names in uv.toml.
UV_NAMES = {name: name for name in UV_VARIABLES} | {
    "allow-insecure-host": "trusted-host",
    "native-tls": "system-certs",
    "https-proxy": "proxy",
    "http-proxy": "proxy",
}
LISTS = {"extra-index-url", "find-links", "trusted-host"}
# uv's alone, and those of which the other installer's value is of no use.
UVS = {"index-strategy", "offline", "system-certs"}
OWN = {"cache-dir", "keyring-provider"} | UVS
PIP_NAMES = UV_VARIABLES.keys() - UVS
# Certificates that all programs are told of; pip and uv look at some of them only.
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# Names and passwords for uv's indexes, and where `uv auth` keeps them.
PASSED_ON = re.compile(r"UV_INDEX_\w+_(USERNAME|PASSWORD)|UV_CREDENTIALS_DIR")
HOW = re.compile(r"(PIP|UV)_\w+|PYTHON(PATH|HOME|SAFEPATH|USERBASE)|VIRTUAL_ENV")
TRUE = ("1", "true", "yes", "on", "t", "y")

Settings = dict[str, list[str]]


def read_toml(path: Path, pip: Path | None = None) -> dict:
    """A TOML file as a dictionary. pip: its wheel, which has a reader, too, for Python 3.10."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        sys.path += [str(pip)] if pip else []
        from pip._vendor import tomli as tomllib
    return tomllib.loads(path.read_text("utf-8"))


def true(values: list[str] | None) -> bool:
    """Whether a setting is there and says yes."""
    return bool(values) and values[0].lower() in TRUE


def pip_files(environ: Mapping[str, str], root: Path) -> list[Path]:
    """pip's configuration files, the strongest last; not a virtual environment's, which is new."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path(environ.get("HOME", "/root"))
    shared = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    files = [Path(folder, "pip/pip.conf") for folder in reversed(shared.split(os.pathsep))]
    files = [root / file.relative_to("/") for file in [*files, Path("/etc/pip.conf")]]
    if named and Path(named).exists():
        return [*files, Path(named)]
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return [*files, home / ".pip/pip.conf", own / "pip/pip.conf"]


def of_pip(environ: Mapping[str, str], root: Path = Path("/")) -> Settings:
    """What pip's files and variables say, of what is honoured.

    Arguments: the environment; where the file system begins.
    """
    said: dict[str, str] = {}
    for section in ("global", "install"):
        for file in pip_files(environ, root):
            config = configparser.RawConfigParser(strict=False)
            config.read([file], encoding="utf-8")
            if config.has_section(section):
                said |= {name.replace("_", "-"): text for name, text in config.items(section)}
    for name in PIP_NAMES:
        if text := environ.get(f"PIP_{name.upper().replace('-', '_')}"):
            said[name] = text
    # `timeout` is `default-timeout` in pip's own words, and both are taken.
    for other in (environ.get("PIP_DEFAULT_TIMEOUT"), said.get("default-timeout")):
        if other:
            said.setdefault("timeout", other)
    return {
        name: text.split() if name in LISTS else [text.strip()]
        for name, text in said.items()
        if name in PIP_NAMES and text.strip()
    }


def uv_files(environ: Mapping[str, str], root: Path) -> list[Path]:
    """uv's configuration files, the strongest first; not a project's, for the course has none."""
    if true([environ.get("UV_NO_CONFIG", "")]):
        return []
    if named := environ.get("UV_CONFIG_FILE"):
        return [Path(named)]
    home = Path(environ.get("HOME", "/root"))
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    shared = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    folders = [*(root / folder.lstrip("/") for folder in shared), root / "etc"]
    system = [folder / "uv/uv.toml" for folder in folders]
    return [own / "uv/uv.toml", *(file for file in system if file.is_file())][:2]


def of_uv(environ: Mapping[str, str], root: Path = Path("/"), pip: Path | None = None) -> Settings:
    """What uv's files and variables say, of what is honoured; arguments as of_pip()'s.

    pip: its wheel, for read_toml(). Errors: ValueError for a file that is no TOML.
    """
    found: Settings = {}
    for name, variables in UV_VARIABLES.items():
        for text in filter(None, map(environ.get, variables)):
            values = text.split("," if name == "find-links" else None)
            found.setdefault(name, []).extend(values if name in LISTS else [text])
    for file in uv_files(environ, root):
        if not file.is_file():
            continue
        try:
            content = read_toml(file, pip)
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from error
        for table in (content.get("pip", {}), content):
            for name, values in of_table(table).items():
                if name in LISTS:
                    found.setdefault(name, []).extend(values)
                else:
                    found.setdefault(name, values)
    if "find-links" in found:  # a blank in a path would be two folders to pip
        found["find-links"] = list(map(as_link, found["find-links"]))
    return found


def of_table(table: Mapping) -> Settings:
    """The settings in one table of a uv.toml."""
    found: Settings = {}
    for index in table.get("index", []):
        if not index.get("explicit"):
            url = f"{index['name']}={index['url']}" if "name" in index else index["url"]
            name = "index-url" if index.get("default") else "extra-index-url"
            found.setdefault(name, []).append(url)
    for name, value in table.items():
        if name in UV_NAMES:
            values = value if isinstance(value, list) else [value]
            words = (str(each).lower() if isinstance(each, bool) else str(each) for each in values)
            found.setdefault(UV_NAMES[name], []).extend(words)
    return found


def merged(pip: Settings, uv: Settings, environ: Mapping[str, str]) -> Settings:
    """What both installers are told: uv's own settings, and pip's where uv has none."""
    both = {name: values for name, values in {**pip, **uv}.items() if name not in OWN}
    if general := next((environ[name] for name in CERTIFICATES if environ.get(name)), None):
        both.setdefault("cert", [general])
    return both


def without_how(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what says how to install, and whereto."""
    return {
        name: text
        for name, text in environ.items()
        if PASSED_ON.fullmatch(name) or not HOW.fullmatch(name)
    }


def plain(url: str, environ: Mapping[str, str]) -> str:
    """uv's "name=https://index" as pip understands it, with name and password for it, if any."""
    named = re.fullmatch(r"([\w.-]+)=(\w+://)(.*)", url)
    if not named:
        return url
    name, scheme, rest = named.groups()
    prefix = f"UV_INDEX_{re.sub(r'[^A-Za-z0-9]', '_', name).upper()}_"
    given = (environ.get(f"{prefix}{what}") for what in ("USERNAME", "PASSWORD"))
    user = ":".join(quote(text, safe="") for text in given if text)
    return f"{scheme}{user}{'@' if user else ''}{rest}"


def for_pip(
    environ: Mapping[str, str], root: Path = Path("/"), wheel: Path | None = None
) -> dict[str, str]:
    """The environment that pip is started in; arguments and errors as of_uv()'s."""
    pip, uv = of_pip(environ, root), of_uv(environ, root, wheel)
    given = merged(pip, uv, environ) | {name: pip[name] for name in OWN & pip.keys()}
    if true(uv.get("offline")):
        given["no-index"] = ["1"]
    variables = {
        f"PIP_{name.upper().replace('-', '_')}": " ".join(plain(each, environ) for each in values)
        for name, values in given.items()
    }
    return without_how(environ) | variables | {"PIP_CONFIG_FILE": os.devnull}


def for_uv(
    environ: Mapping[str, str], root: Path = Path("/"), wheel: Path | None = None
) -> tuple[dict[str, str], list[str]]:
    """The environment that uv is started in, and options; arguments and errors as of_uv()'s.

    Where several indexes have a package, the best version is taken, as pip does; certificates are
    the system's, as pip of Debian has them.
    """
    uv = of_uv(environ, root, wheel)
    given = merged(of_pip(environ, root), uv, environ) | {
        name: uv[name] for name in OWN & uv.keys()
    }
    no_index = true(given.pop("no-index", None))
    given = {"index-strategy": ["unsafe-best-match"], "system-certs": ["true"]} | given
    variables = {"UV_NO_CONFIG": "1"}
    for name, values in given.items():
        if name == "proxy":
            names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy")
            variables |= dict.fromkeys(names, values[0])
        elif name == "cert":
            path = Path(values[0]).expanduser()
            variables["SSL_CERT_DIR" if path.is_dir() else "SSL_CERT_FILE"] = str(path)
        elif name == "find-links":
            variables["UV_FIND_LINKS"] = ",".join(map(as_link, values))
        elif name == "timeout":
            variables["UV_HTTP_TIMEOUT"] = values[0].partition(".")[0]  # uv takes whole seconds
        else:
            variables[UV_VARIABLES[name][0]] = " ".join(values)
    return without_how(environ) | variables, ["--no-index"] * no_index


def as_link(place: str) -> str:
    """A page or folder of packages as uv takes it, in a list that is separated by commas."""
    path = Path(place).expanduser()
    return path.absolute().as_uri() if path.exists() else place.replace(",", "%2C")
