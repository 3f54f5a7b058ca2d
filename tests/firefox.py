"""Firefox for the tests: Debian's own, spoken to over WebDriver BiDi, the W3C's protocol.

Playwright wants a Firefox that it has patched itself; this one is the readers'.
"""

import json
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

BROWSERS = ("firefox-esr", "firefox")
EVENTS = ["log.entryAdded", "network.beforeRequestSent", "network.responseCompleted", "network.fetchError"]
PREFERENCES = {  # nothing but the tests' own pages is asked for
    "app.update.enabled": False, "browser.safebrowsing.malware.enabled": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "browser.region.network.url": "", "network.prefetch-next": False,
    "services.settings.server": "http://127.0.0.1:9", "toolkit.telemetry.server": "", "extensions.getAddons.cache.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False, "layout.css.prefers-color-scheme.content-override": 1,
}  # fmt: skip


def firefox():
    """The path of a Firefox, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


class Tab:
    """One tab: where it goes, what its scripts give back, and what went wrong in it."""

    def __init__(self, socket):
        self.socket, self.turn, self.events = socket, 0, []
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=EVENTS)
        self.context = self.send("browsingContext.getTree")["contexts"][0]["context"]

    def send(self, method, **parameters):
        self.turn += 1
        self.socket.send(json.dumps({"id": self.turn, "method": method, "params": parameters}))
        while (answer := json.loads(self.socket.recv())).get("id") != self.turn:
            self.events.append(answer)
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['message']}")
        return answer["result"]

    def resize(self, width, height):
        size = {"width": width, "height": height}
        self.send("browsingContext.setViewport", context=self.context, viewport=size)

    def goto(self, address):
        self.events.clear()
        self.send("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def evaluate(self, script):
        """What a script, or a promise of one, comes to; it must be JSON."""
        answer = self.send(
            "script.evaluate", target={"context": self.context}, awaitPromise=True, userActivation=True,
            expression=f"Promise.resolve({script}).then(value => JSON.stringify(value ?? null))",
        )  # fmt: skip
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def wait_for(self, script, seconds=20):
        """Wait until a script gives something true; that."""
        return self.evaluate(
            f"""(async () => {{
                for (const end = Date.now() + {1000 * seconds}; Date.now() < end;) {{
                    const found = {script};
                    if (found) return found;
                    await new Promise(resolve => setTimeout(resolve, 30));
                }}
                throw new Error("waited in vain for " + {json.dumps(script)});
            }})()"""
        )

    def press(self, key):
        """Press a key, by its character (WebDriver's own for those that have none)."""
        keys = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        source = {"type": "key", "id": "keyboard", "actions": keys}
        self.send("input.performActions", context=self.context, actions=[source])

    def click(self, selector):
        """Click with the mouse on the middle of what a CSS selector finds first."""
        x, y = self.evaluate(
            f"""(() => {{
                const element = document.querySelector({json.dumps(selector)});
                element.scrollIntoView({{ block: "center", behavior: "instant" }});
                const box = element.getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2].map(Math.round);
            }})()"""
        )
        steps = [{"type": "pointerMove", "x": x, "y": y}]
        steps += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        source = {"type": "pointer", "id": "mouse", "actions": steps}
        self.send("input.performActions", context=self.context, actions=[source])

    def wrong(self):
        """What went wrong since the page was asked for: errors, failed requests, requests to another host."""
        self.send("browsingContext.getTree")  # what happened before it has then been told
        found = []
        for event in self.events:
            about = event["params"]
            address = about.get("request", {}).get("url", "")
            if event["method"] == "log.entryAdded" and about["level"] == "error":
                found.append(f"console: {about['text']}")
            elif event["method"] == "network.fetchError":
                found.append(f"failed: {address}")
            elif event["method"] == "network.responseCompleted" and about["response"]["status"] >= 400:
                found.append(f"status {about['response']['status']}: {address}")
            elif address and not address.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
                found.append(f"elsewhere: {address}")
        return sorted(set(found))


@contextmanager
def open_firefox():
    """A tab of a headless Firefox with a profile of its own; the test is skipped where none is installed."""
    import pytest

    websocket = pytest.importorskip("websocket")
    if not (program := firefox()):
        pytest.skip("no Firefox is installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = (
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()
        )
        with open(f"{profile}/user.js", "w") as file:
            file.writelines(lines)
        command = [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            note = Path(profile) / "WebDriverBiDiServer.json"  # says where it listens
            for _ in range(600):
                if note.exists() and note.stat().st_size:
                    break
                assert started.poll() is None, "Firefox ended before it began"
                time.sleep(0.1)
            at = json.loads(note.read_text())
            address = f"ws://{at['ws_host']}:{at['ws_port']}/session"
            socket = websocket.create_connection(address, timeout=60, suppress_origin=True)
            yield Tab(socket)
            socket.close()
        finally:
            started.terminate()
            started.wait(20)
