"""Routes about who is asking: whoami, access checks, and the exchange of a CI job's identity."""

from loopback_hub.exchange import Request, Response, answer
from loopback_hub.refusal import Refusal

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
INVALID_GRANT = {
    "error": "invalid_grant",
    "error_description": "No trusted publisher matches this identity",
}


def whoami(request: Request) -> Response:
    if request.token is None or request.token.only:
        raise Refusal(401, None, "Invalid username or password.")
    user = request.token.user
    members = request.hub.accounts.members
    return answer(
        {
            "type": "user",
            "id": "0" * 24,
            "name": user,
            "fullname": user.title(),
            "orgs": [{"name": org} for org, users in members.items() if user in users],
            "auth": {
                "type": "access_token",
                "accessToken": {"displayName": "test", "role": request.token.role},
            },
        }
    )


def auth_check(request: Request) -> Response:
    repo = request.repo()
    request.hub.accounts.check_content(request.token, repo)
    if request.path.endswith("/write"):
        request.writer(repo)
    return answer({})


def ci_identity(request: Request) -> Response:
    """What a CI provider does: sign an identity for a job that shows its request token."""
    if request.headers.get("Authorization") != f"Bearer {request.hub.ci_request_token}":
        raise Refusal(401, None, "Not a job of this provider")
    return answer({"value": request.hub.ci_identity})


def exchange_token(request: Request) -> Response:
    wanted = request.json()
    if wanted.get("grant_type") != TOKEN_EXCHANGE:
        raise Refusal(400, None, "Unsupported grant", {"error": "unsupported_grant_type"})
    resource = wanted.get("resource")
    trusted = wanted.get("subject_token") == request.hub.ci_identity
    if not trusted or resource not in request.hub.trusted_publishers:
        raise Refusal(400, None, "No trusted publisher matches", INVALID_GRANT)
    owner = resource.removeprefix("datasets/").removeprefix("spaces/").partition("/")[0]
    secret = request.hub.accounts.issue(owner, only=resource)
    return answer({"access_token": secret, "token_type": "bearer", "expires_in": 3600})


def agent_harnesses(request: Request) -> Response:
    return answer({"standardEnvVars": [], "harnesses": {}})
