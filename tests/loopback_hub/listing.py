"""The route that lists repositories: filters, sorting, paging by Link header."""

from urllib.parse import urlencode

from loopback_hub.exchange import Request, Response, answer
from loopback_hub.reading import describe, expanded
from loopback_hub.repo import Repo

BRIEF = [
    "author",
    "createdAt",
    "downloads",
    "gated",
    "library_name",
    "likes",
    "pipeline_tag",
    "private",
    "tags",
]
FULL = [*BRIEF, "disabled", "lastModified", "sha", "siblings"]
NEWEST = {"lastModified": 0, "createdAt": -1}


def listing(request: Request) -> Response:
    repos = _sorted(request, [repo for repo in _visible(request) if _matches(request, repo)])
    start = int(request.one("cursor", "0"))
    size = min(int(request.one("limit", str(request.hub.page_size))), request.hub.page_size)
    page = [
        describe(repo, repo.resolve("main"), expand=_fields(request))
        for repo in repos[start : start + size]
    ]
    headers = {}
    if start + size < len(repos):
        query = {**request.query, "cursor": [str(start + size)]}
        url = f"{request.hub.url}{request.path}?{urlencode(query, doseq=True)}"
        headers["Link"] = f'<{url}>; rel="next"'
    return answer(page, headers=headers)


def _visible(request: Request) -> list[Repo]:
    repo_type = request.fields["type"].removesuffix("s")
    accounts = request.hub.accounts
    return [
        repo
        for (kind, _), repo in request.hub.repos.items()
        if kind == repo_type and (not repo.private or accounts.belongs(request.token, repo))
    ]


def _matches(request: Request, repo: Repo) -> bool:
    tags = describe(repo, repo.resolve("main"), expand=["tags"])["tags"]
    wanted = [tag for each in request.query.get("filter", []) for tag in each.split(",")]
    author, search = request.one("author"), request.one("search").lower()
    return (
        all(tag in tags for tag in wanted)
        and author in {"", repo.owner}
        and search in repo.repo_id.lower()
    )


def _sorted(request: Request, repos: list[Repo]) -> list[Repo]:
    """Newest or largest first; the Hub lists nothing in the order of creation by chance."""
    key = request.one("sort", "trendingScore")
    if key in NEWEST:
        return sorted(repos, key=lambda repo: repo.history()[NEWEST[key]].seconds, reverse=True)
    count = "downloads" if key == "downloads" else "likes"
    return sorted(repos, key=lambda repo: (-getattr(repo, count), repo.repo_id))


def _fields(request: Request) -> list[str]:
    if expand := expanded(request.query):
        return expand
    fields = list(FULL if request.flag("full") else BRIEF)
    return fields + [name for name in ("cardData", "config") if request.flag(name)]
