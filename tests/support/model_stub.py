#!/usr/bin/env python3
"""A model server on loopback that says what its script says, in the dialect of whoever asks.

    model_stub.py [--tls CERT KEY] [--say TEXT] [--script FILE]

It prints {"port": N, "tlsPort": N or null} and then one line for each request: {"request": {"n", "method", "path", "headers",
"body", "dialect", "signed", "t"}} ("t": seconds since the start; "signed": whether the SigV4 signature of a Bedrock request is
right, else why not). It reads lines from standard input: {"add": [STEP...]} appends to the script, {"set": [STEP...]} replaces
what is left of it; each is answered by {"ok": N}, the number of steps now left. It ends with its input. A request takes the
next step; with none left it gets the text of --say.

A STEP is an object; all fields may be missing:
    text        what the assistant says                       pieces      how many deltas the text comes in (4)
    thinking    a thought before it                           calls       [{"name", "input", "id"?}] tool calls behind it
    stop        a stop reason in place of the usual one       usage       {"input", "output", "cached", "written"}
    status      an HTTP status that is an error (401, 403, 429, 500, 529, ...)    retryAfter    seconds, as its header
    message     the error's text                              location    with a status of 301 to 308: where to
    drop        "connect" (closed without an answer), "headers" (behind the status line), or a number: after so many deltas
    stall       likewise "connect", "headers" or a number: nothing more is sent, until the client goes
    error       an error event in the middle of the stream (overloaded_error, ...), behind the first delta
    delay       seconds before the answer begins              raw         a body sent as it is (JSON), with status 200

Dialects by path: /v1/messages (Anthropic), .../chat/completions and .../responses (OpenAI), /model/ID/invoke... (Bedrock, event
stream, signature checked), ...:rawPredict and :streamRawPredict (Vertex), ...:generateContent and :streamGenerateContent
(Gemini), and GET .../models. An answer streams where the request asks for it.
"""
import argparse, binascii, hashlib, hmac, http.server, json, socket, ssl, struct, sys, threading, time, urllib.parse

AWS_KEY, AWS_SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
lock = threading.Lock()
started = time.monotonic()


class Script:
    def __init__(self, say):
        self.steps, self.say, self.requests = [], say, 0

    def next(self):
        with lock:
            return self.steps.pop(0) if self.steps else {"text": self.say}


def tell(line):
    with lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def cut(text, pieces):
    size = max(1, -(-len(text) // max(1, pieces)))
    return [text[i : i + size] for i in range(0, len(text), size)]


def usage_of(step):
    return {"input": 10, "output": 5, "cached": 0, "written": 0, **step.get("usage", {})}


def calls_of(step, n):
    return [{"id": f"call_{n}_{i}", "input": {}, **call} for i, call in enumerate(step.get("calls", []))]


# ---- dialects: each gives the events of a stream, as (name, object), and the object of an answer that does not stream


def anthropic_events(step, n):
    u = usage_of(step)
    yield "message_start", {"type": "message_start", "message": {
        "id": f"msg_{n}", "type": "message", "role": "assistant", "model": "stub", "content": [], "stop_reason": None,
        "usage": {"input_tokens": u["input"], "output_tokens": 1, "cache_read_input_tokens": u["cached"],
                  "cache_creation_input_tokens": u["written"]}}}
    index = 0

    def block(start, deltas):
        nonlocal index
        yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": start}
        for each in deltas:
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": each}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}
        index += 1

    if step.get("thinking"):
        yield from block({"type": "thinking", "thinking": "", "signature": ""},
                         [{"type": "thinking_delta", "thinking": step["thinking"]},
                          {"type": "signature_delta", "signature": f"sig{n}"}])
        yield "ping", {"type": "ping"}
    if step.get("text"):
        yield from block({"type": "text", "text": ""},
                         [{"type": "text_delta", "text": t} for t in cut(step["text"], step.get("pieces", 4))])
    for call in calls_of(step, n):
        yield from block({"type": "tool_use", "id": call["id"], "name": call["name"], "input": {}},
                         [{"type": "input_json_delta", "partial_json": t} for t in cut(json.dumps(call["input"]), 3)])
    stop = step.get("stop") or ("tool_use" if step.get("calls") else "end_turn")
    yield "message_delta", {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None},
                            "usage": {"output_tokens": u["output"]}}
    yield "message_stop", {"type": "message_stop"}


def anthropic_whole(step, n):
    u = usage_of(step)
    content = [{"type": "thinking", "thinking": step["thinking"], "signature": f"sig{n}"}] if step.get("thinking") else []
    content += [{"type": "text", "text": step["text"]}] if step.get("text") else []
    content += [{"type": "tool_use", "id": c["id"], "name": c["name"], "input": c["input"]} for c in calls_of(step, n)]
    return {"id": f"msg_{n}", "type": "message", "role": "assistant", "model": "stub", "content": content,
            "stop_reason": step.get("stop") or ("tool_use" if step.get("calls") else "end_turn"),
            "usage": {"input_tokens": u["input"], "output_tokens": u["output"],
                      "cache_read_input_tokens": u["cached"], "cache_creation_input_tokens": u["written"]}}


def chat_usage(step):
    u = usage_of(step)
    return {"prompt_tokens": u["input"] + u["cached"], "completion_tokens": u["output"],
            "total_tokens": u["input"] + u["cached"] + u["output"], "prompt_tokens_details": {"cached_tokens": u["cached"]}}


def chat_events(step, n):
    def chunk(delta, finish=None):
        return None, {"id": f"chatcmpl-{n}", "object": "chat.completion.chunk", "model": "stub", "created": 1,
                      "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    if step.get("thinking"):
        yield chunk({"reasoning_content": step["thinking"]})
    for t in cut(step.get("text", ""), step.get("pieces", 4)):
        yield chunk({"content": t})
    for i, call in enumerate(calls_of(step, n)):
        yield chunk({"tool_calls": [{"index": i, "id": call["id"], "type": "function",
                                     "function": {"name": call["name"], "arguments": ""}}]})
        for t in cut(json.dumps(call["input"]), 3):
            yield chunk({"tool_calls": [{"index": i, "function": {"arguments": t}}]})
    yield chunk({}, step.get("stop") or ("tool_calls" if step.get("calls") else "stop"))
    yield None, {"id": f"chatcmpl-{n}", "object": "chat.completion.chunk", "choices": [], "usage": chat_usage(step)}
    yield None, "[DONE]"


def chat_whole(step, n):
    calls = [{"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": json.dumps(c["input"])}}
             for c in calls_of(step, n)]
    message = {"role": "assistant", "content": step.get("text")}
    if calls:
        message["tool_calls"] = calls
    return {"id": f"chatcmpl-{n}", "object": "chat.completion", "model": "stub", "created": 1, "usage": chat_usage(step),
            "choices": [{"index": 0, "message": message,
                         "finish_reason": step.get("stop") or ("tool_calls" if calls else "stop")}]}


def responses_whole(step, n):
    u = usage_of(step)
    output = [{"type": "message", "id": f"item_{n}", "role": "assistant", "status": "completed",
               "content": [{"type": "output_text", "text": step["text"], "annotations": []}]}] if step.get("text") else []
    output += [{"type": "function_call", "id": f"fc_{c['id']}", "call_id": c["id"], "name": c["name"], "status": "completed",
                "arguments": json.dumps(c["input"])} for c in calls_of(step, n)]
    return {"id": f"resp_{n}", "object": "response", "status": "completed", "model": "stub", "output": output,
            "usage": {"input_tokens": u["input"], "input_tokens_details": {"cached_tokens": u["cached"]},
                      "output_tokens": u["output"], "output_tokens_details": {"reasoning_tokens": 0},
                      "total_tokens": u["input"] + u["output"]}}


def responses_events(step, n):
    whole = responses_whole(step, n)

    def event(kind, **more):
        return kind, {"type": kind, **more}

    yield event("response.created", response={**whole, "status": "in_progress", "output": [], "usage": None})
    for index, item in enumerate(whole["output"]):
        empty = {**item, "status": "in_progress", **({"content": []} if item["type"] == "message" else {"arguments": ""})}
        yield event("response.output_item.added", output_index=index, item=empty)
        if item["type"] == "message":
            part = {"type": "output_text", "text": "", "annotations": []}
            where = {"item_id": item["id"], "output_index": index, "content_index": 0}
            yield event("response.content_part.added", **where, part=part)
            for t in cut(step["text"], step.get("pieces", 4)):
                yield event("response.output_text.delta", **where, delta=t)
            yield event("response.output_text.done", **where, text=step["text"])
            yield event("response.content_part.done", **where, part=item["content"][0])
        else:
            where = {"item_id": item["id"], "output_index": index}
            yield event("response.function_call_arguments.delta", **where, delta=item["arguments"])
            yield event("response.function_call_arguments.done", **where, arguments=item["arguments"])
        yield event("response.output_item.done", output_index=index, item=item)
    yield event("response.completed", response=whole)


def gemini_part(step, parts, last):
    u = usage_of(step)
    answer = {"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}], "modelVersion": "stub",
              "usageMetadata": {"promptTokenCount": u["input"], "candidatesTokenCount": u["output"],
                                "totalTokenCount": u["input"] + u["output"]}}
    if last:
        answer["candidates"][0]["finishReason"] = step.get("stop") or "STOP"
    return answer


def gemini_calls(step, n):
    return [{"functionCall": {"name": c["name"], "args": c["input"]}} for c in calls_of(step, n)]


def gemini_events(step, n):
    if step.get("thinking"):
        yield None, gemini_part(step, [{"text": step["thinking"], "thought": True}], False)
    for t in cut(step.get("text", ""), step.get("pieces", 4)):
        yield None, gemini_part(step, [{"text": t}], False)
    yield None, gemini_part(step, gemini_calls(step, n) or [{"text": ""}], True)


def gemini_whole(step, n):
    parts = [{"text": step["text"]}] if step.get("text") else []
    return gemini_part(step, parts + gemini_calls(step, n), True)


DIALECTS = {"anthropic": (anthropic_events, anthropic_whole), "chat": (chat_events, chat_whole),
            "responses": (responses_events, responses_whole), "gemini": (gemini_events, gemini_whole)}


def dialect_of(path):
    """The dialect, whether the path itself says that it streams, and how it is framed."""
    if path.endswith("/messages"):
        return "anthropic", None, "sse"
    if path.endswith("/chat/completions"):
        return "chat", None, "sse"
    if path.endswith("/responses"):
        return "responses", None, "sse"
    if path.startswith("/model/"):
        return "anthropic", path.endswith("-stream"), "aws"
    if path.endswith(":streamRawPredict") or path.endswith(":rawPredict"):
        return "anthropic", None, "sse"
    if path.endswith(":streamGenerateContent") or path.endswith(":generateContent"):
        return "gemini", path.endswith(":streamGenerateContent"), "sse"
    return None, None, None


# ---- AWS


def event_message(headers, payload):
    block = b"".join(struct.pack("!B", len(k)) + k.encode() + b"\x07" + struct.pack("!H", len(v)) + v.encode()
                     for k, v in headers.items())
    prelude = struct.pack("!II", 16 + len(block) + len(payload), len(block))
    head = prelude + struct.pack("!I", binascii.crc32(prelude)) + block + payload
    return head + struct.pack("!I", binascii.crc32(head))


def aws_frame(name, event):
    if name == "error":
        return event_message({":message-type": "exception", ":exception-type": "throttlingException",
                              ":content-type": "application/json"}, json.dumps({"message": event["error"]["message"]}).encode())
    inner = json.dumps({"bytes": binascii.b2a_base64(json.dumps(event).encode(), newline=False).decode()})
    return event_message({":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}, inner.encode())


def check_signature(method, path, headers, body):
    """True, or why the request's AWS signature (version 4) is wrong."""
    given = headers.get("authorization", "")
    if given.startswith("Bearer "):
        return "bearer"
    if not given.startswith("AWS4-HMAC-SHA256 "):
        return "no signature"
    fields = dict(part.strip().split("=", 1) for part in given[len("AWS4-HMAC-SHA256 "):].split(","))
    key, scope = fields["Credential"].split("/", 1)
    names = fields["SignedHeaders"].split(";")
    where, _, query = path.partition("?")
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names)
    encoded = "/".join(urllib.parse.quote(part, safe="-_.~") for part in where.split("/"))
    canonical = "\n".join([method, encoded, query, lines, ";".join(names), hashlib.sha256(body).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", headers.get("x-amz-date", ""), scope, hashlib.sha256(canonical.encode()).hexdigest()])
    secret = ("AWS4" + AWS_SECRET).encode()
    for part in scope.split("/"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    right = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
    if key != AWS_KEY or "host" not in names or "x-amz-date" not in names:
        return "wrong key or unsigned headers"
    return True if right == fields["Signature"] else "the signature does not fit:\n" + canonical


class Gone(Exception):
    pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        tell({"request": {"method": "GET", "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}})
        if self.path.split("?")[0].endswith("/models"):
            return self.send_json(200, {"object": "list", "data": [{"id": "stub", "object": "model"}],
                                        "models": [{"name": "models/stub"}]})
        self.send_json(404, {"error": {"message": "there is nothing here"}})

    def do_CONNECT(self):
        """Asked as a proxy: refuses."""
        tell({"request": {"method": "CONNECT", "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}})
        self.send_json(403, {})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {k.lower(): v for k, v in self.headers.items()}
        path = self.path.split("?")[0]
        dialect, streams, framing = dialect_of(path)
        with lock:
            self.server.script.requests += 1
            n = self.server.script.requests
        try:
            asked = json.loads(body)
        except ValueError:
            asked = {"unreadable": body.decode("latin-1")}
        signed = check_signature("POST", self.path, headers, body) if framing == "aws" else None
        tell({"request": {"n": n, "method": "POST", "path": self.path, "headers": headers, "body": asked, "dialect": dialect,
                          "signed": signed, "t": round(time.monotonic() - started, 4)}})
        if dialect is None:
            return self.send_json(404, {"error": {"message": "no dialect has this path"}})
        if framing == "aws" and signed not in (True, "bearer"):
            return self.send_json(403, {"message": str(signed)})
        step = self.server.script.next()
        streams = asked.get("stream", False) is True if streams is None else streams
        try:
            self.play(step, n, dialect, streams, framing)
        except (Gone, OSError):
            self.close_connection = True

    def play(self, step, n, dialect, streams, framing):
        time.sleep(step.get("delay", 0))
        self.fault(step, "connect")
        status = step.get("status", 200)
        if status != 200:
            return self.refuse(step, status, dialect)
        if "raw" in step:
            return self.send_json(200, step["raw"])
        events, whole = DIALECTS[dialect]
        if not streams:
            return self.send_json(200, whole(step, n))
        self.send_response(200)
        self.send_header("content-type", "application/vnd.amazon.eventstream" if framing == "aws" else "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        self.fault(step, "headers")
        deltas = 0
        for name, event in events(step, n):
            if self.is_delta(event):
                self.fault(step, deltas)
                deltas += 1
            self.write_event(name, event, framing)
            if step.get("error") and deltas == 1:
                self.write_event("error", {"type": "error", "error": {
                    "type": step["error"], "message": step.get("message", "the stub was told to fail")}}, framing)
                return self.write_chunk(b"")
        self.fault(step, deltas)
        self.write_chunk(b"")

    @staticmethod
    def is_delta(event):
        if not isinstance(event, dict):
            return False
        if event.get("type") == "content_block_delta" or str(event.get("type")).endswith(".delta"):
            return True
        if "candidates" in event:
            return True
        return any(c["delta"].get("content") or "tool_calls" in c["delta"] for c in event.get("choices", []))

    def write_event(self, name, event, framing):
        if framing == "aws":
            return self.write_chunk(aws_frame(name, event))
        text = event if isinstance(event, str) else json.dumps(event)
        self.write_chunk(((f"event: {name}\n" if name else "") + f"data: {text}\n\n").encode())

    def write_chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def fault(self, step, where):
        if step.get("drop") == where and isinstance(step["drop"], type(where)):
            self.connection.shutdown(socket.SHUT_RDWR)
            raise Gone
        if step.get("stall") == where and isinstance(step["stall"], type(where)):
            while self.connection.recv(4096):  # until the client goes
                pass
            tell({"gone": True})
            raise Gone

    def refuse(self, step, status, dialect):
        kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error",
                 500: "api_error", 529: "overloaded_error"}
        error = {"type": kinds.get(status, "invalid_request_error"), "message": step.get("message", f"the stub says {status}")}
        more = {}
        if "retryAfter" in step:
            more["retry-after"] = str(step["retryAfter"])
        if "location" in step:
            more["location"] = step["location"]
        whole = {"type": "error", "error": error} if dialect == "anthropic" else {"error": error}
        self.send_json(status, whole, more)

    def send_json(self, status, whole, more=None):
        data = json.dumps(whole).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, script, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.context = script, context

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address

    def finish_request(self, request, address):
        if self.context:  # in the connection's own thread: a handshake that fails holds nobody up
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, address)

    def handle_error(self, *_):
        pass


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    options.add_argument("--say", default="Hello from the stub.")
    options.add_argument("--script", help="a file with a JSON list of steps")
    chosen = options.parse_args()
    script = Script(chosen.say)
    if chosen.script:
        with open(chosen.script) as f:
            script.steps = json.load(f)
    servers = [Server(script)]
    if chosen.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*chosen.tls)
        servers.append(Server(script, context))
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    tell({"port": servers[0].server_port, "tlsPort": servers[1].server_port if chosen.tls else None})
    for line in sys.stdin:
        asked = json.loads(line)
        with lock:
            script.steps = asked["set"] if "set" in asked else script.steps + asked["add"]
            left = len(script.steps)
        tell({"ok": left})


if __name__ == "__main__":
    main()
