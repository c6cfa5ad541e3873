#!/usr/bin/python3
"""A desktop's secret service for tests: `secret_service_stub.py FOLDER`, on the session bus of DBUS_SESSION_BUS_ADDRESS.

It speaks as much of org.freedesktop.Secret as libsecret needs to look up, store and clear, with plain sessions, and keeps the
items in memory. FOLDER/ready appears when it has its name; FOLDER/items holds how many items there are; while FOLDER/refusing is
there it refuses everything but a session. Python's python3-jeepney is the bus.
"""
import os, sys

from jeepney import HeaderFields, MessageType, message_bus, new_error, new_method_return
from jeepney.io.blocking import open_dbus_connection

folder = sys.argv[1]
SERVICE, ITEM = "org.freedesktop.Secret.Service", "org.freedesktop.Secret.Item"
items, last = {}, 0  # path: (attributes, secret, content type)


def keep_count():
    with open(folder + "/items.new", "w") as f:
        f.write(str(len(items)))
    os.rename(folder + "/items.new", folder + "/items")


def found(wanted):
    return [path for path, (attributes, _, _) in items.items() if wanted.items() <= attributes.items()]


def answer(member, path, body):
    """The signature and body of an answer, or the name of an error."""
    global last
    if member == "GetAll":
        return "a{sv}", ({"Collections": ("ao", ["/org/freedesktop/secrets/collection/login"])},)
    if member == "OpenSession":
        return ("vo", (("s", ""), "/org/freedesktop/secrets/session/s1")) if body[0] == "plain" else \
            "org.freedesktop.DBus.Error.NotSupported"
    if os.path.exists(folder + "/refusing"):
        return "org.freedesktop.Secret.Error.IsLocked"
    if member == "SearchItems":
        return "aoao", (found(body[0]), [])
    if member == "GetSecrets":
        return "a{o(oayays)}", ({p: (body[1], b"", items[p][1], items[p][2]) for p in body[0] if p in items},)
    if member == "ReadAlias":
        return "o", ("/org/freedesktop/secrets/collection/login",)
    if member == "CreateItem":
        attributes = body[0][ITEM + ".Attributes"][1]
        for old in found(attributes) if body[2] else []:
            del items[old]
        last += 1
        made = f"/org/freedesktop/secrets/collection/login/{last}"
        items[made] = (attributes, bytes(body[1][2]), body[1][3])
        keep_count()
        return "oo", (made, "/")
    if member == "Delete":
        items.pop(path, None)
        keep_count()
        return "o", ("/",)
    return "org.freedesktop.DBus.Error.UnknownMethod"


bus = open_dbus_connection()
bus.send_and_get_reply(message_bus.RequestName("org.freedesktop.secrets"))
keep_count()
open(folder + "/ready", "w").close()
while True:
    call = bus.receive()
    if call.header.message_type != MessageType.method_call:
        continue
    got = answer(call.header.fields[HeaderFields.member], call.header.fields[HeaderFields.path], call.body)
    bus.send(new_error(call, got, "s", ("not now",)) if isinstance(got, str) else new_method_return(call, *got))
