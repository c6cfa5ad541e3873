#!/usr/bin/env python3
"""An MCP server for the tests, on stdio: well behaved unless a tool or an argument says otherwise.

arguments: --die-at-start, --silent (answers nothing), --noise (lines that are no messages), --no-tools
"""
import json
import os
import sys
import threading

lock = threading.Lock()
extra = []


def send(message):
    with lock:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def text(content, error=False):
    return {"content": [{"type": "text", "text": content}], "isError": error}


TOOLS = ["echo", "environment", "look", "slow", "die", "flood", "big", "change", "roots", "wrong", "orphan"]


def tool(name):
    listed = {"name": name, "description": "The tool " + name, "inputSchema": {"type": "object"}}
    if name == "look":
        listed["annotations"] = {"readOnlyHint": True}
    return listed


def call(request, name, arguments):
    if name == "echo":
        return text(json.dumps(arguments, sort_keys=True))
    if name == "environment":
        return text("\n".join(sorted(os.environ)) + "\n" + os.environ.get("GIVEN", ""))
    if name == "look":
        return text("looked")
    if name == "slow":
        return None
    if name == "die":
        sys.stderr.write("dying as asked\n")
        os._exit(7)
    if name == "flood":
        os.write(1, b'{"jsonrpc":"2.0","id":' + b"9" * (9 << 20) + b"\n")
        return text("flooded")
    if name == "big":
        return text("b" * (2 << 20))
    if name == "change":
        extra.append("added")
        send({"method": "notifications/tools/list_changed"})
        return text("changed")
    if name == "roots":
        send({"id": "mine", "method": "roots/list"})
        waiting["mine"] = request
        return None
    if name == "orphan":
        if os.fork() == 0:
            os.setsid()
            os.execlp("sleep", "sleep", "977")
        return text("left one")
    return text("there is no such tool", True)


waiting = {}


def take(message):
    method, request = message.get("method"), message.get("id")
    if method is None:
        send({"id": waiting.pop(request), "result": text(message["result"]["roots"][0]["uri"])})
    elif method == "initialize":
        capabilities = {} if "--no-tools" in sys.argv else {"tools": {"listChanged": True}}
        send({"id": request, "result": {"protocolVersion": message["params"]["protocolVersion"], "capabilities": capabilities,
                                        "serverInfo": {"name": "stub", "version": "1"}}})
    elif method == "tools/list":
        names = TOOLS + extra
        at = int(message["params"].get("cursor", 0))  # four on a page
        result = {"tools": [tool(n) for n in names[at:at + 4]]}
        if at + 4 < len(names):
            result["nextCursor"] = str(at + 4)
        send({"id": request, "result": result})
    elif method == "tools/call":
        result = call(request, message["params"]["name"], message["params"].get("arguments", {}))
        if result is not None:
            send({"id": request, "result": result})
    elif method == "notifications/cancelled":
        with open("cancelled", "a") as log:
            log.write(message["params"]["reason"] + "\n")
    elif request is not None:
        send({"id": request, "error": {"code": -32601, "message": "no such method"}})


if "--die-at-start" in sys.argv:
    sys.stderr.write("no configuration\n")
    sys.exit(3)
if "--noise" in sys.argv:
    print("listening ...\n[1, 2\n{}", flush=True)
for line in sys.stdin:
    if "--silent" not in sys.argv:
        take(json.loads(line))
with open("ended", "w") as log:
    log.write("its input was closed\n")
