"""Which environment variable sends a request through a proxy; never the proxy's own address.

That address may hold a password, so sentences name the variable alone.
"""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from urllib.request import getproxies, proxy_bypass

from huggingface_hub.utils import httpx

SCHEMES = ("http", "https", "all")
SETTINGS = "the system's settings"


def variable_for(url: httpx.URL) -> str | None:
    """Return the variable whose proxy a request goes through; None where it goes by itself."""
    if proxy_bypass(url.host):
        return None
    proxies = getproxies()
    named = (scheme for scheme in (url.scheme, "all") if proxies.get(scheme))
    return next((_variable(scheme) for scheme in named), None)


def unusable() -> str | None:
    """Return the variable that names what no proxy can be; None if none does."""
    proxies = getproxies()
    named = (scheme for scheme in SCHEMES if proxies.get(scheme))
    return next((_variable(scheme) for scheme in named if not _is_usable(proxies, scheme)), None)


def _variable(scheme: str) -> str:
    """The spelling that counts; elsewhere than in the environment, other systems keep theirs."""
    spelled = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")
    return next((name for name in spelled if os.environ.get(name)), SETTINGS)


def _is_usable(proxies: Mapping[str, str], scheme: str) -> bool:
    address = proxies[scheme]
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    except (ValueError, httpx.InvalidURL):
        return False
    has_socks = find_spec("socksio") is not None
    return bool(proxy.url.host) and (has_socks or not proxy.url.scheme.startswith("socks"))
