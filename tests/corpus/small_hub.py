"""A read-only Hub on the loopback interface: just what downloading a file asks for.

Serves repositories given as {(type, id): {path: bytes}}, each at one commit.
"""

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

INFO = re.compile(r"/api/(datasets|models)/([^/]+/[^/]+)(?:/revision/([^/]+))?")
RESOLVE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
GATED, BUSY = "someone/gated", "someone/busy"


def commit_of(repo_id):
    return hashlib.sha1(repo_id.encode()).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def refuse(self, status, code):
        body = json.dumps({"error": code}).encode()
        self.answer(status, body, X_Error_Code=code, Content_Type="application/json")

    def repository(self, kind, repo_id, revision):
        """Return the files, or answer why not."""
        files = self.server.repositories.get((kind, repo_id))
        if repo_id == GATED:
            self.refuse(403, "GatedRepo")
        elif repo_id == BUSY:
            self.refuse(418, "Busy")
        elif files is None:
            self.refuse(404, "RepoNotFound")
        elif unquote(revision or "main") not in ("main", "refs/pr/1", commit_of(repo_id)):
            self.refuse(404, "RevisionNotFound")
        else:
            return files
        return None

    def do_GET(self):
        self.server.requests.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        if match := INFO.fullmatch(path):
            kind, repo_id, revision = match.groups()
            files = self.repository(kind, repo_id, revision)
            if files is not None:
                siblings = [{"rfilename": name} for name in files]
                info = {"id": repo_id, "sha": commit_of(repo_id), "siblings": siblings}
                self.answer(200, json.dumps(info).encode(), Content_Type="application/json")
        elif match := RESOLVE.fullmatch(path):
            prefix, repo_id, revision, name = match.groups()
            files = self.repository("datasets" if prefix else "models", repo_id, revision)
            if files is not None:
                self.resolve(repo_id, files.get(unquote(name)))
        else:
            self.refuse(404, "RepoNotFound")

    do_HEAD = do_GET

    def resolve(self, repo_id, content):
        if content is None:
            self.refuse(404, "EntryNotFound")
            return
        etag = f'"{hashlib.sha1(content).hexdigest()}"'
        self.answer(200, content, X_Repo_Commit=commit_of(repo_id), ETag=etag)


@contextmanager
def serve(repositories):
    """Serve repositories while the block runs; yields the server, whose `url` is the endpoint."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.repositories, server.requests = repositories, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
