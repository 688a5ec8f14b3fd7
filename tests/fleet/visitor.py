# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Uses an application of the image ``real`` as people do: ``python3 visitor.py APPLICATION MARK``, on its host.

It leaves something that has the word MARK, and prints as a JSON list all that it and earlier visitors left.
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request

EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//visitor//EN\r\nBEGIN:VEVENT\r\nUID:{mark}\r\nDTSTAMP:20210301T120000Z\r\n"
    "DTSTART:20210302T120000Z\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\nSUMMARY:{mark}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
FORM = (
    '--b\r\nContent-Disposition: form-data; name=":action"\r\n\r\nfile_upload\r\n'
    '--b\r\nContent-Disposition: form-data; name="content"; filename="{name}"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n{mark}\r\n--b--\r\n"
)


def ask(url, method="GET", body=None, user=None, **headers):
    """What *url* answers. Raises urllib.error.HTTPError."""
    if user:
        headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body.encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(url, data, named, method=method), timeout=30) as answer:
        return answer.read().decode()


def visit_httpbin(mark):
    """Has a request described, and a page compressed; nothing stays."""
    base = "http://127.0.0.1:8020"
    found = json.loads(
        ask(base + "/post?word=" + mark, "POST", json.dumps({"word": mark}), Content_Type="application/json")
    )
    with urllib.request.urlopen(base + "/brotli", timeout=30) as answer:
        compressed = answer.headers["Content-Encoding"] == "br" and len(answer.read()) > 0
    assert compressed and "Herman Melville" in ask(base + "/html")
    return sorted({found["args"]["word"], found["json"]["word"]})


def visit_radicale(mark):
    """Writes an event into a calendar."""
    base = "http://127.0.0.1:5232/writer/diary/"
    try:
        ask(base, "MKCALENDAR", user="writer:sesame")
    except urllib.error.HTTPError as error:
        assert error.code in (405, 409), error.code
    ask(base + mark + ".ics", "PUT", EVENT.format(mark=mark), "writer:sesame", Content_Type="text/calendar")
    return sorted(re.findall(r"SUMMARY:(\w+)", ask(base, user="writer:sesame")))


def visit_pypiserver(mark):
    """Uploads a release, and downloads those that it lists."""
    base, name = (
        "http://127.0.0.1:8021",
        f"thing-1.{int(hashlib.sha256(mark.encode()).hexdigest()[:6], 16)}.tar.gz",
    )
    form = "multipart/form-data; boundary=b"
    ask(base + "/", "POST", FORM.format(name=name, mark=mark), "writer:sesame", Content_Type=form)
    links = re.findall(r'href="([^"#]+)', ask(base + "/simple/thing/"))
    assert len(links) == len(set(links))
    return sorted(ask(base + link, user="writer:sesame") for link in links)


def visit_celery(mark):
    """Gives the worker jobs by the application's own program; nothing stays."""
    command = ["runuser", "-u", "celery", "--", "/srv/celery/venv/bin/python", "ask.py"]
    done = subprocess.run(command, cwd="/srv/celery/app", stdout=subprocess.PIPE, check=True, timeout=90)
    found = json.loads(done.stdout.decode())
    assert found["time"] == "2021-03-01T07:00:00-05:00" and found["sum"] == 14
    return [mark]


def visit_isso(mark):
    """Writes a comment."""
    base = "http://127.0.0.1:8022"
    comment = json.dumps({"text": f"*{mark}*", "author": "visitor", "title": "Page"})
    ask(base + "/new?uri=%2Fpage", "POST", comment, Content_Type="application/json", Origin="http://localhost")
    replies = json.loads(ask(base + "/?uri=%2Fpage"))["replies"]
    return sorted(re.search(r"<em>(\w+)</em>", reply["text"]).group(1) for reply in replies)


def visit_bepasty(mark):
    """Uploads a text."""
    base, user = "http://127.0.0.1:8023", "x:writer"
    content = base64.b64encode(mark.encode()).decode()
    size = f"bytes 0-{len(mark) - 1}/{len(mark)}"
    more = {"Content_Type": "text/plain", "Content_Filename": mark + ".txt", "Content_Range": size}
    ask(base + "/apis/rest/items", "POST", content, user, **more)
    items = json.loads(ask(base + "/apis/rest/items", user=user)).values()
    assert "<title>" in ask(base + "/")
    return sorted(ask(base + item["uri"] + "/download", user=user) for item in items)


if __name__ == "__main__":
    print(json.dumps(globals()["visit_" + sys.argv[1]](sys.argv[2])))
